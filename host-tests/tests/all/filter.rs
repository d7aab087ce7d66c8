//! The filter as shipped, in the host: the corpus, its life, whom it trusts, what it costs.

mod configured;
mod corpus;
mod cost;
mod edge;
mod hostile;
mod lifecycle;
mod limits;
mod recovery;
mod report;
mod services;
mod shape;
mod slices;
mod tokens;
mod trust;
mod usage;
