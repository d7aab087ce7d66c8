//! The numbers of proxy-wasm ABI 0.2.1 that both sides must agree on.
//!
//! Numbers only, no behaviour. A number the ABI does not define is refused as `BadArgument`, as Envoy does.

/// What a host call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Status {
    Ok = 0,
    NotFound = 1,
    BadArgument = 2,
    InvalidMemoryAccess = 6,
    CasMismatch = 8,
    InternalFailure = 10,
}

/// The header maps a guest can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapType {
    RequestHeaders,
    ResponseHeaders,
    ResponseTrailers,
    CalloutHeaders,
    /// Trailers of requests and callouts, and gRPC metadata: known to the ABI, never present here.
    Absent,
}

impl TryFrom<u32> for MapType {
    type Error = Status;

    fn try_from(number: u32) -> Result<Self, Status> {
        match number {
            0 => Ok(Self::RequestHeaders),
            2 => Ok(Self::ResponseHeaders),
            3 => Ok(Self::ResponseTrailers),
            6 => Ok(Self::CalloutHeaders),
            1 | 4 | 5 | 7 => Ok(Self::Absent),
            _ => Err(Status::BadArgument),
        }
    }
}

/// The buffers a guest can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BufferType {
    CalloutBody,
    VmConfiguration,
    PluginConfiguration,
    /// Request and response bodies, raw connections, gRPC: known to the ABI, never present here.
    Absent,
}

impl TryFrom<u32> for BufferType {
    type Error = Status;

    fn try_from(number: u32) -> Result<Self, Status> {
        match number {
            4 => Ok(Self::CalloutBody),
            6 => Ok(Self::VmConfiguration),
            7 => Ok(Self::PluginConfiguration),
            0..=3 | 5 | 8 => Ok(Self::Absent),
            _ => Err(Status::BadArgument),
        }
    }
}
