//! Stub.
#![allow(missing_docs)]
use alloc::string::String; use core::fmt;
#[derive(Clone,Debug,PartialEq,Eq)] pub struct ReferrerPattern;
#[derive(Clone,Debug,PartialEq,Eq,thiserror::Error)] #[error("x")] pub struct ReferrerPatternError(String);
#[derive(Clone,Debug,PartialEq,Eq,thiserror::Error)] #[error("x")] pub struct MalformedReferrer;
#[derive(Clone,Debug)] pub struct PageUrl<'a>(&'a [u8]);
impl<'a> PageUrl<'a> { pub fn parse(b:&'a [u8])->Result<Self,MalformedReferrer>{Ok(Self(b))} }
impl ReferrerPattern { pub fn parse(_:&str)->Result<Self,ReferrerPatternError>{Ok(Self)} pub fn matches_referer(&self,_:&PageUrl<'_>)->bool{false} pub fn matches_origin(&self,_:&PageUrl<'_>)->bool{false} }
impl fmt::Display for ReferrerPattern { fn fmt(&self,_:&mut fmt::Formatter<'_>)->fmt::Result{Ok(())} }
