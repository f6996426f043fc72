//! A host without randomness, and the values that both sides build.

use std::sync::atomic::{AtomicU64, Ordering};

use drupelet::gotmpl::{Context, Error, Host, Limits, List, Map, Type, Val};

pub struct FixedHost;

impl Host for FixedHost {
    fn now(&self) -> jiff::Zoned {
        let now = jiff::civil::date(2026, 1, 2).at(3, 4, 5, 678_000_000);
        now.to_zoned(jiff::tz::TimeZone::UTC).expect("a valid time")
    }

    /// Another number each time: an RSA key wants two primes.
    fn random(&self, buffer: &mut [u8]) {
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        for byte in buffer {
            let n = DRAWN.fetch_add(1, Ordering::Relaxed);
            *byte = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
        }
    }

    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Val, Error> {
        Ok(Val::Map(Map::new()))
    }
}

/// The values of `typed()` in tests/oracle/gotmpl.
pub fn typed() -> Val {
    let nested = vec![
        Val::List(List::new(vec![Val::Int(1), "a".into()])),
        Val::List(List::new(Vec::new())),
    ];
    let ints = [3, 1, 2].map(Val::Int);
    let entries: Vec<(&str, Val)> = vec![
        ("int", Val::Int(42)),
        ("int64", Val::Int64(-7)),
        ("uint8", Val::Uint8(200)),
        ("uint64", Val::Uint64(u64::MAX)),
        ("bytes", Val::Bytes(b"abc\xff".as_slice().into())),
        ("raw", Val::Str(b"a\xffb\x00\xc3\xa9".to_vec().into())),
        ("strings", List::strings(["x", "y"]).into()),
        ("ints", List::of(Type::Int, ints.to_vec()).into()),
        (
            "strmap",
            Map::of(Type::Str, vec![("k".into(), "v".into())]).into(),
        ),
        ("nillist", List::nil(Type::Any).into()),
        ("nilmap", Map::nil(Type::Any).into()),
        ("nested", List::of(Type::AnyList, nested).into()),
        ("none", Val::Nil),
    ];
    Val::Map(entries.into_iter().collect())
}

pub fn limits() -> Limits {
    Limits {
        stack: Limits::HELM_STACK * 8,
        ..Limits::default()
    }
}

/// Runs on a thread with the stack that Helm's limits need without optimization.
pub fn on_a_large_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(Limits::HELM_STACK * 9)
        .spawn(work)
        .expect("a thread can be started")
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

pub fn render(files: &[(String, String)], strict: bool, data: Val) -> Result<Vec<u8>, String> {
    use drupelet::gotmpl::{TemplateSet, funcs};
    let mut set = TemplateSet::new(funcs::table());
    if strict {
        set = set.strict();
    }
    for (name, text) in files {
        set.parse(name, text.as_bytes())
            .map_err(|e| e.to_string())?;
    }
    let (main, _) = files.last().expect("a case has a template");
    let mut context = Context::with_templates(set.into(), &FixedHost, limits());
    match context.render(main, data) {
        Ok(text) => Ok(text.as_bytes().to_vec()),
        Err(error) => Err(error.to_string()),
    }
}
