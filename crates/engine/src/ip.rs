//! Stub.
#![allow(missing_docs)]
use core::net::IpAddr; use alloc::string::String; use core::fmt;
#[derive(Clone,Copy,Debug,PartialEq,Eq)] pub struct Network;
#[derive(Clone,Debug,PartialEq,Eq,thiserror::Error)] #[error("x")] pub struct NetworkError(String);
impl Network { pub fn parse(_:&str)->Result<Self,NetworkError>{Ok(Self)} pub fn contains(&self,_:IpAddr)->bool{false} }
impl fmt::Display for Network { fn fmt(&self,_:&mut fmt::Formatter<'_>)->fmt::Result{Ok(())} }
pub fn parse_source_address(_:&[u8])->Option<IpAddr>{None}
