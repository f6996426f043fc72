use super::*;
use std::cell::Cell;
use std::sync::atomic::AtomicUsize;
use std::thread;

const MIB: u64 = 1 << 20;

thread_local! {
    /// What the job on this thread pretends to hold.
    static PRETENDED: Cell<i64> = const { Cell::new(0) };
}

/// A budget with so many MiB for jobs that pretend.
fn budget(room: u64) -> Budget {
    let limits = Limits {
        memory: Some(room * MIB),
        cpu: None,
    };
    let allocator = Allocator {
        held: || PRETENDED.get(),
        most: || PRETENDED.get(),
        resident: || 0,
        ..Allocator::default()
    };
    Budget::new(limits, allocator)
}

fn hold(mib: u64) -> Result<(), OverBudget> {
    PRETENDED.set((mib * MIB) as i64);
    checkpoint()
}

#[test]
fn a_job_that_fits_not_even_alone_says_so() {
    let budget = budget(64);
    let runs = Cell::new(0);
    let over = budget.run("big", RENDER, || {
        runs.set(runs.get() + 1);
        hold(1)?;
        hold(4_000)
    });
    let Err(OverBudget::Alone { room, .. }) = over else {
        panic!("{over:?}");
    };
    assert!(room < 4_000 * MIB, "{room}");
    assert_eq!(runs.get(), 1);
    let text = over.expect_err("it was seen above").to_string();
    assert!(text.contains("--memory-budget"), "{text}");
    let figures = budget.figures();
    assert_eq!(figures.counts.refused, 1);
    assert_eq!((figures.n_at_work, figures.promised), (0, 0));
    // The thread is free for the next one.
    assert_eq!(budget.run("small", RENDER, || hold(1)), Ok(Ok(())));
}

#[test]
fn an_error_that_is_swallowed_comes_again() {
    let budget = budget(64);
    let over = budget.run("big", RENDER, || {
        let _ = hold(4_000);
        hold(1).is_err()
    });
    assert!(matches!(over, Err(OverBudget::Alone { .. })), "{over:?}");
}

/// What jobs hold at once stays within the budget; all of them are done, those
/// that outgrew their place once more.
#[test]
fn many_jobs_are_all_done_and_never_too_many_at_once() {
    let budget = budget(400);
    let at_once = AtomicU64::new(0);
    let most_at_once = AtomicU64::new(0);
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for n in 0..12_u64 {
            let (budget, at_once, most_at_once, done) = (&budget, &at_once, &most_at_once, &done);
            scope.spawn(move || {
                // Each says 100 MiB and takes up to 160.
                let outcome = budget.run(&format!("job {n}"), 100 * MIB, || {
                    let mine = 100 + n * 5;
                    hold(90)?;
                    hold(mine)?;
                    let now = at_once.fetch_add(mine, Ordering::SeqCst) + mine;
                    most_at_once.fetch_max(now, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(5));
                    at_once.fetch_sub(mine, Ordering::SeqCst);
                    Ok::<(), OverBudget>(())
                });
                assert_eq!(outcome, Ok(Ok(())), "{n}");
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(done.into_inner(), 12);
    let figures = budget.figures();
    assert!(figures.counts.queued > 0, "{figures:?}");
    assert!(figures.counts.promised_peak <= 400 * MIB, "{figures:?}");
    assert!(most_at_once.into_inner() <= 400);
    assert_eq!((figures.n_at_work, figures.n_waiting), (0, 0));
}

#[test]
fn what_a_job_took_is_asked_for_the_next_time() {
    let budget = budget(400);
    assert_eq!(budget.run("app", RENDER, || hold(77)), Ok(Ok(())));
    PRETENDED.set(0);
    let promised = budget.run("app", RENDER, || budget.figures().promised);
    assert_eq!(promised, Ok(77 * MIB));
}

#[test]
fn a_job_within_a_job_is_part_of_it() {
    let budget = budget(64);
    let inner = budget.run("outer", RENDER, || {
        budget.run("inner", u64::MAX, || budget.figures().n_at_work)
    });
    assert_eq!(inner, Ok(Ok(1)));
}

#[test]
fn a_job_that_panics_gives_its_place_back() {
    let budget = budget(64);
    let other = budget.clone();
    let ended = thread::spawn(move || other.run("bad", RENDER, || panic!("on purpose"))).join();
    assert!(ended.is_err());
    assert_eq!(budget.figures().n_at_work, 0);
}

/// With a share of a core, work pauses for what it used.
#[test]
fn a_share_of_the_cpu_makes_jobs_pause() {
    let limits = Limits {
        memory: None,
        cpu: Some(0.05),
    };
    let budget = Budget::new(limits, Allocator::default());
    let mut sum = 0_u64;
    let busy_until = cpu_time() + Duration::from_millis(120);
    budget
        .run("busy", RENDER, || ())
        .expect("there is no limit");
    while cpu_time() < busy_until {
        sum = sum.wrapping_mul(31).wrapping_add(7);
    }
    std::hint::black_box(sum);
    budget
        .run("next", RENDER, || ())
        .expect("there is no limit");
    let figures = budget.figures();
    assert!(figures.pauses > 0, "{figures:?}");
    // 120 ms, of which 50 are free, at 45 ms by second.
    assert!(figures.paused > Duration::from_secs(1), "{figures:?}");
}

#[test]
fn limits_shrink_with_a_small_budget() {
    let of = |memory| {
        let limits = Limits { memory, cpu: None };
        Budget::new(limits, Allocator::default()).scaled(64 * MIB)
    };
    assert_eq!(of(None), 64 * MIB);
    assert_eq!(of(Some(1 << 40)), 64 * MIB);
    assert_eq!(of(Some(32 * MIB)), 32 * MIB);
    assert_eq!(of(Some(48 * MIB)), 48 * MIB);
}
