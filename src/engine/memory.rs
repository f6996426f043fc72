//! The allocator: mimalloc without huge pages, asked to give memory back
//! after heavy jobs, and counted by thread. The only file with `unsafe` code. No
//! room: it is in this package since each allocation runs through it.

use rustix::mm::{Advice, madvise};
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;

#[global_allocator]
static ALLOCATOR: Counted = Counted(mimalloc::MiMalloc);

/// mimalloc, and a note of what each thread holds.
struct Counted(mimalloc::MiMalloc);

thread_local! {
    /// Bytes that this thread allocated, less those that it freed. A cell
    /// without a destructor: it is there as long as the thread allocates.
    static HELD: Cell<i64> = const { Cell::new(0) };
    /// The most that it held since [`mark`].
    static MOST: Cell<i64> = const { Cell::new(0) };
}

#[inline(always)] // in each allocation
fn count(more: usize, less: usize) {
    let held = HELD.get() + more as i64 - less as i64;
    HELD.set(held);
    if held > MOST.get() {
        MOST.set(held);
    }
}

#[allow(unsafe_code)] // passes everything on to mimalloc as it is
// SAFETY: each call goes to mimalloc's own with the arguments that came, and
// counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counted {
    #[inline(never)] // there are thousands of callers
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        if layout.align() <= size_of::<usize>() {
            // SAFETY: any size may be asked for, and all blocks are aligned for a word.
            return unsafe { libmimalloc_sys::mi_malloc(layout.size()) }.cast();
        }
        // SAFETY: the caller's promise is mimalloc's condition.
        unsafe { self.0.alloc(layout) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { self.0.dealloc(place, layout) }
    }

    #[inline(never)]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as above.
        unsafe { self.0.realloc(place, layout, size) }
    }
}

/// Bytes that the calling thread allocated, less those that it freed: those of
/// others, too, so that only differences over a job mean something.
pub fn held() -> i64 {
    HELD.get()
}

/// From now on [`most`] counts.
pub fn mark() {
    MOST.set(HELD.get());
}

/// The most that the calling thread held at once since [`mark`].
pub fn most() -> i64 {
    MOST.get()
}

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

/// For a process that renders once and ends: nothing goes back to the system
/// before all of it does, at the end. Call it before the first thread starts.
pub fn configure_for_once() {
    set(PURGE_DELAY, -1);
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

/// The same for a process that has nothing to do, which lets go of its code
/// too: a sync runs through megabytes of it, an agent at rest through little,
/// and the kernel counts a page as resident until somebody lacks memory. What
/// runs again comes out of the page cache.
pub fn rest() {
    release();
    if let Some(code) = CODE.get_or_init(code) {
        forget(code);
    }
}

static CODE: OnceLock<Option<Range<usize>>> = OnceLock::new();

/// Where the program's code is mapped from its file, which nobody writes to.
fn code() -> Option<Range<usize>> {
    let inside = rest as *const () as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        // 55d0-55d9 r-xp 00012000 fe:00 326269   /usr/bin/drupelet
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        let is_code = fields.next()? == "r-xp" && (start..end).contains(&inside);
        let is_file = fields.nth(2)? != "0";
        (is_code && is_file).then_some(start..end)
    })
}

#[allow(unsafe_code)] // advice to the kernel on a mapping that the loader made
fn forget(code: &Range<usize>) {
    let start = std::ptr::with_exposed_provenance_mut(code.start);
    // SAFETY: the range is one private, read-only mapping of the program's
    // file. Without writes to it, a page that was dropped is read again as it was.
    let advised = unsafe { madvise(start, code.len(), Advice::LinuxDontNeed) };
    if let Err(error) = advised {
        tracing::debug!("madvise of the program's code: {error}");
    }
}

/// What mimalloc counts, as its JSON.
#[allow(unsafe_code)] // a foreign function; it fills a buffer of ours
pub fn statistics() -> Option<String> {
    let mut buffer = vec![0_u8; STATISTICS_BYTES];
    let place = buffer.as_mut_ptr().cast();
    // SAFETY: mi_stats_get_json writes at most so many bytes to a buffer of
    // the caller, a closing zero among them, and keeps no pointer to it.
    let written = unsafe { libmimalloc_sys::mi_stats_get_json(buffer.len(), place) };
    let end = buffer.iter().position(|byte| *byte == 0)?;
    buffer.truncate(end);
    (!written.is_null()).then(|| String::from_utf8(buffer).ok())?
}

/// Room for all that mimalloc 3 counts: some 5 kB.
const STATISTICS_BYTES: usize = 32 * 1024;

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

    /// What the kernel says of the mapping that begins at the code's start.
    fn resident_code() -> u64 {
        let code = code().expect("the tests are a file with code");
        let smaps = std::fs::read_to_string("/proc/self/smaps").expect("the kernel tells");
        let mut lines = smaps.lines();
        let start = format!("{:x}-", code.start);
        lines.find(|line| line.starts_with(&start));
        let line = lines.find_map(|line| line.strip_prefix("Rss:"));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.expect("the mapping has a size")
    }

    #[test]
    fn a_process_at_rest_lets_go_of_its_code_and_goes_on() {
        let before = resident_code();
        rest();
        let after = resident_code();
        assert!(after < before, "{after} of {before} KiB");
        rest();
    }

    #[test]
    fn what_a_thread_holds_is_counted() {
        std::thread::spawn(|| {
            mark();
            let before = held();
            let mut bytes = vec![1_u8; 1 << 20];
            assert_eq!(held() - before, 1 << 20);
            bytes.extend_from_slice(&vec![2; 1 << 19]);
            drop(bytes);
            assert_eq!(held(), before);
            assert!(most() - before >= (1 << 20) + (1 << 19), "{}", most());
        })
        .join()
        .expect("the thread ends well");
    }
}
