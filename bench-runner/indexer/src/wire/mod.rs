//! The wire form: msgpack `KVEventBatch`, both generations, read and written.

pub(crate) mod cursor;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod error;
pub mod reference;
mod value;
#[cfg(target_arch = "x86_64")]
mod vbmi;
