-- The ids of the edges' keys whose private halves a VM has, as it reports them: in their order, with a space between.
ALTER TABLE edge_vms ADD COLUMN edge_keys TEXT; -- NULL = it does not tell
