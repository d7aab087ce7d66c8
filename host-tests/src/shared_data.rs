//! Shared data of one process: a map every VM with the same `vm_id` reads and writes.
//!
//! Envoy's rules, checked below: CAS 0 overwrites; any other CAS must match if the key exists; a missing key is
//! created whatever the CAS; CAS values come from one counter for all keys. Nothing is ever deleted.

use std::collections::BTreeMap;

use crate::abi::Status;

/// The map and its one CAS counter.
#[derive(Debug, Default)]
pub(crate) struct SharedData {
    values: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    last_cas: u32,
}

impl SharedData {
    pub(crate) fn get(&self, key: &[u8]) -> Result<(Vec<u8>, u32), Status> {
        self.values.get(key).cloned().ok_or(Status::NotFound)
    }

    pub(crate) fn set(&mut self, key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
        if let Some((_, current)) = self.values.get(key)
            && cas != 0
            && cas != *current
        {
            return Err(Status::CasMismatch);
        }
        self.last_cas = self.last_cas.wrapping_add(1);
        self.values.insert(key.to_vec(), (value.to_vec(), self.last_cas));
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.values.iter().map(|(key, (value, _))| (&key[..], &value[..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoys_cas_rules() {
        let cases: [(&str, &str, u32, Result<u32, Status>); 7] = [
            // (why, key, cas, CAS the key then has)
            ("a missing key is created with CAS 0", "a", 0, Ok(1)),
            ("and with any other: put-if-absent", "b", u32::MAX, Ok(2)),
            ("which an existing key refuses", "b", u32::MAX, Err(Status::CasMismatch)),
            ("a matching CAS writes; the counter is one for all keys", "a", 1, Ok(3)),
            ("a spent CAS is refused", "a", 1, Err(Status::CasMismatch)),
            ("CAS 0 overwrites", "a", 0, Ok(4)),
            ("the CAS of another key is refused", "b", 4, Err(Status::CasMismatch)),
        ];
        let mut shared = SharedData::default();
        for (why, key, cas, expected) in cases {
            let set = shared.set(key.as_bytes(), b"v", cas);
            assert_eq!(set.map(|()| shared.get(key.as_bytes()).unwrap().1), expected, "{why}");
        }
        assert_eq!(shared.get(b"c"), Err(Status::NotFound));
    }
}
