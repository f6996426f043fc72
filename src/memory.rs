//! The allocator: mimalloc without huge pages, asked to give memory back
//! after heavy jobs. The only file with `unsafe` code.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Gives unused pages back to the system. Worth a call after a render or a
/// fetch, not after a request.
#[allow(unsafe_code)] // a foreign function; it takes a flag and touches no memory of ours
pub fn release() {
    // SAFETY: mi_collect may be called at any time from any thread.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
