/// How much stack is in use since the guard was made. Templates recurse as deep
/// as their authors like; an overflow would end the process.
#[derive(Clone, Copy, Debug)]
pub struct StackGuard {
    base: usize,
    limit: usize,
}

impl StackGuard {
    /// A guard that allows so many bytes from here on.
    pub fn new(limit: usize) -> Self {
        StackGuard {
            base: here(),
            limit,
        }
    }

    /// Whether seven eighths are gone: time for a friendlier error than the last.
    pub fn is_low(self) -> bool {
        self.used() > self.limit - self.limit / 8
    }

    /// Whether fifteen sixteenths are gone: time to call nothing that calls again,
    /// while there is room for what comes before a call.
    pub fn is_short(self) -> bool {
        self.used() > self.limit - self.limit / 16
    }

    pub fn is_exhausted(self) -> bool {
        self.used() > self.limit
    }

    fn used(self) -> usize {
        self.base.abs_diff(here())
    }
}

/// An address on the stack, near its end.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&marker)) as usize
}
