//! The allocator: mimalloc without huge pages, asked to give memory back
//! after heavy jobs. The only file with `unsafe` code.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of mimalloc 3's options (mi_option_t in mimalloc.h) for which the
/// binding has no names.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
const PAGE_FULL_RETAIN: libmimalloc_sys::mi_option_t = 36;

/// Pages go back to the system as soon as they are free, and no thread keeps
/// empty ones in stock. mimalloc's own second of delay ends with a later
/// allocation only, and an agent at rest makes none: what its last job left
/// over would stay. Call it before the first thread starts.
pub fn configure() {
    set(PURGE_DELAY, 0);
    set(PAGE_FULL_RETAIN, 0);
}

#[allow(unsafe_code)] // a foreign function; it takes two numbers and touches no memory of ours
fn set(option: libmimalloc_sys::mi_option_t, value: std::ffi::c_long) {
    // SAFETY: mi_option_set writes one slot of mimalloc's table of options.
    unsafe { libmimalloc_sys::mi_option_set(option, value) }
}

/// Gives unused pages of the calling thread back to the system. Worth a call
/// after a render or a fetch, not after a request.
#[allow(unsafe_code)] // a foreign function; it takes a flag and touches no memory of ours
pub fn release() {
    // SAFETY: mi_collect may be called at any time from any thread.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(unsafe_code)] // as above
    fn get(option: libmimalloc_sys::mi_option_t) -> std::ffi::c_long {
        // SAFETY: mi_option_get reads one slot of mimalloc's table of options.
        unsafe { libmimalloc_sys::mi_option_get(option) }
    }

    /// Guards the numbers above against a new mimalloc: they are those of the
    /// options that start at a second and at two pages.
    #[test]
    fn the_options_that_are_set_are_those_that_are_meant() {
        assert_eq!((get(PURGE_DELAY), get(PAGE_FULL_RETAIN)), (1000, 2));
        configure();
        assert_eq!((get(PURGE_DELAY), get(PAGE_FULL_RETAIN)), (0, 0));
    }
}
