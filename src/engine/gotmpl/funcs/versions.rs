//! `semver` and its object, `semverCompare`.

use super::args::text;
use crate::gotmpl::{Context, Error, FuncDef, Kind, Object, Type, Val};
use crate::value::Value;
use crate::value::semver::{Constraint, Version};
use std::any::Any;
use std::cmp::Ordering;
use std::rc::Rc;

use Type::{Bool, Int, Str, Uint64};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("semver", &[Str], POINTER, semver),
    FuncDef::new("semverCompare", &[Str, Str], Bool, semver_compare),
];

const POINTER: Type = Type::Named("*semver.Version");
const STRUCT: Type = Type::Named("semver.Version");

fn parsed(version: &str) -> Result<Version, Error> {
    Version::parse(version).map_err(|fault| Error::new(fault.to_string()))
}

fn semver(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(SemverPointer::val(parsed(&text(args, 0).to_text())?))
}

fn semver_compare(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let constraint = Constraint::parse(&text(args, 0).to_text())
        .map_err(|fault| Error::new(fault.to_string()))?;
    let version = parsed(&text(args, 1).to_text())?;
    Ok(constraint.matches(&version).into())
}

/// `*semver.Version`, which `semver` gives.
struct SemverPointer(Version);

/// `semver.Version`, which the likes of `IncMinor` give.
struct SemverStruct(Version);

impl SemverPointer {
    fn val(version: Version) -> Val {
        Val::Object(Rc::new(SemverPointer(version)))
    }
}

/// A version of zeros without a text.
pub(super) fn zero() -> Val {
    SemverPointer::val(Version {
        major: 0,
        minor: 0,
        patch: 0,
        prerelease: String::new(),
        metadata: String::new(),
        original: String::new(),
    })
}

/// The version of either object.
fn version(value: &Val) -> &Version {
    match (value.downcast(), value.downcast()) {
        (Some(SemverPointer(version)), _) | (_, Some(SemverStruct(version))) => version,
        _ => unreachable!("the receiver of a method is of its type"),
    }
}

/// The methods of the struct, which the pointer has as well.
macro_rules! struct_methods {
    ($($more:expr,)*) => {
        &[
            FuncDef::new("Major", &[], Uint64, |_, args| Ok(Val::Uint64(version(&args[0]).major))),
            FuncDef::new("Minor", &[], Uint64, |_, args| Ok(Val::Uint64(version(&args[0]).minor))),
            FuncDef::new("Patch", &[], Uint64, |_, args| Ok(Val::Uint64(version(&args[0]).patch))),
            FuncDef::new("Prerelease", &[], Str, |_, args| {
                Ok(version(&args[0]).prerelease.as_str().into())
            }),
            FuncDef::new("Metadata", &[], Str, |_, args| {
                Ok(version(&args[0]).metadata.as_str().into())
            }),
            FuncDef::new("String", &[], Str, |_, args| Ok(version(&args[0]).to_string().into())),
            FuncDef::new("IncMajor", &[], STRUCT, |_, args| {
                let v = version(&args[0]);
                incremented(v, v.major.checked_add(1), Some(0), Some(0), "major")
            }),
            FuncDef::new("IncMinor", &[], STRUCT, |_, args| {
                let v = version(&args[0]);
                incremented(v, Some(v.major), v.minor.checked_add(1), Some(0), "minor")
            }),
            FuncDef::new("IncPatch", &[], STRUCT, |_, args| {
                let v = version(&args[0]);
                let patch = match v.prerelease.is_empty() {
                    true => v.patch.checked_add(1),
                    false => Some(v.patch),
                };
                incremented(v, Some(v.major), Some(v.minor), patch, "patch")
            }),
            FuncDef::new("SetPrerelease", &[Str], STRUCT, |_, args| {
                changed(&args[0], |v| v.prerelease = text(args, 1).to_text().into_owned())
            }),
            FuncDef::new("SetMetadata", &[Str], STRUCT, |_, args| {
                changed(&args[0], |v| v.metadata = text(args, 1).to_text().into_owned())
            }),
            $($more,)*
        ]
    };
}

static STRUCT_METHODS: &[FuncDef] = struct_methods!();

static POINTER_METHODS: &[FuncDef] = struct_methods!(
    FuncDef::new("Original", &[], Str, |_, args| {
        Ok(version(&args[0]).original.as_str().into())
    }),
    FuncDef::new("Compare", &[POINTER], Int, |_, args| {
        Ok(Val::Int(compared(args)? as i64))
    }),
    FuncDef::new("Equal", &[POINTER], Bool, |_, args| {
        // The one comparison that takes nil.
        let equal = !args[1].is_nil() && compared(args)?.is_eq();
        Ok(equal.into())
    }),
    FuncDef::new("LessThan", &[POINTER], Bool, |_, args| Ok(compared(args)?
        .is_lt()
        .into())),
    FuncDef::new("LessThanEqual", &[POINTER], Bool, |_, args| {
        Ok(compared(args)?.is_le().into())
    }),
    FuncDef::new("GreaterThan", &[POINTER], Bool, |_, args| Ok(compared(
        args
    )?
    .is_gt()
    .into())),
    FuncDef::new("GreaterThanEqual", &[POINTER], Bool, |_, args| {
        Ok(compared(args)?.is_ge().into())
    }),
);

fn compared(args: &[Val]) -> Result<Ordering, Error> {
    if args[1].is_nil() {
        return Err(super::lists::nil_dereference());
    }
    Ok(version(&args[0]).compare(version(&args[1])))
}

/// The text of a version made from another keeps the leading `v`.
fn derived(from: &Version, mut version: Version) -> Val {
    let prefix = if from.original.starts_with('v') {
        "v"
    } else {
        ""
    };
    version.original = format!("{prefix}{version}");
    Val::Object(Rc::new(SemverStruct(version)))
}

fn incremented(
    from: &Version,
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    what: &str,
) -> Result<Val, Error> {
    let (Some(major), Some(minor), Some(patch)) = (major, minor, patch) else {
        return Err(Error::new(format!(
            "{what} version increment would overflow uint64"
        )));
    };
    let next = Version {
        major,
        minor,
        patch,
        prerelease: String::new(),
        metadata: String::new(),
        original: String::new(),
    };
    Ok(derived(from, next))
}

/// A changed copy, where it still reads as a version.
fn changed(receiver: &Val, change: impl FnOnce(&mut Version)) -> Result<Val, Error> {
    let from = version(receiver);
    let mut next = from.clone();
    change(&mut next);
    Version::parse_strict(&next.to_string()).map_err(|fault| Error::new(fault.to_string()))?;
    Ok(derived(from, next))
}

const SEMVER_FIELDS: &[&str] = &["major", "minor", "patch", "pre", "metadata", "original"];

impl Object for SemverPointer {
    fn type_name(&self) -> &'static str {
        "*semver.Version"
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn unexported_fields(&self) -> &'static [&'static str] {
        SEMVER_FIELDS
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn methods(&self) -> &'static [FuncDef] {
        POINTER_METHODS
    }

    fn stringer(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<SemverPointer>();
        other.is_some_and(|other| other.0 == self.0)
    }

    fn to_value(&self) -> Result<Value, Error> {
        Ok(Value::Str(self.0.to_string()))
    }
}

impl Object for SemverStruct {
    fn type_name(&self) -> &'static str {
        "semver.Version"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn unexported_fields(&self) -> &'static [&'static str] {
        SEMVER_FIELDS
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn methods(&self) -> &'static [FuncDef] {
        STRUCT_METHODS
    }

    fn stringer(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<SemverStruct>();
        other.is_some_and(|other| other.0 == self.0)
    }

    fn to_value(&self) -> Result<Value, Error> {
        Ok(Value::Str(self.0.to_string()))
    }
}
