//! Stub.
#![allow(missing_docs)]
use crate::spec::CredentialSpec; use alloc::{string::String,vec::Vec};
#[derive(Clone,Debug,PartialEq,Eq)] pub enum Found<'a>{None,One(&'a [u8]),Malformed,Ambiguous}
#[derive(Clone,Debug,PartialEq,Eq)] pub struct CredentialSource;
#[derive(Clone,Debug,PartialEq,Eq,thiserror::Error)] #[error("x")] pub struct CredentialSourceError(String);
impl CredentialSource { pub fn parse(_:&CredentialSpec)->Result<Self,CredentialSourceError>{Ok(Self)} }
pub fn find<'a>(_:&[CredentialSource],_h:&[(&'a [u8],&'a [u8])],_p:Option<&'a [u8]>)->Found<'a>{Found::None}
pub fn strip_query(_:&[u8],_:&str)->Option<Vec<u8>>{None}
pub fn strip_cookie(_:&[u8],_:&str)->Option<Vec<u8>>{None}
