//! `derivePassword` (the Master Password algorithm), `bcrypt`, `htpasswd`.

use crate::gotmpl::funcs::args::{bytes, int, text};
use crate::gotmpl::{Context, Error, FuncDef, Type, Val};
use ring::hmac;

use Type::Str;

pub(in crate::gotmpl::funcs) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new(
        "derivePassword",
        &[Type::Uint32, Str, Str, Str, Str],
        Str,
        derive_password,
    ),
    FuncDef::new("bcrypt", &[Str], Str, |ctx, args| {
        Ok(bcrypt_hash(ctx, bytes(args, 0)).into())
    })
    .drawn(),
    FuncDef::new("htpasswd", &[Str, Str], Str, htpasswd).drawn(),
];

const SEED: &[u8] = b"com.lyndir.masterpassword";

fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn alphabet(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The length in four bytes, and the text.
fn sized(text: &[u8]) -> Vec<u8> {
    let mut out = (text.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(text);
    out
}

fn derive_password(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let counter = int(args, 0) as u32;
    let (kind, password) = (text(args, 1), bytes(args, 2));
    let (user, site) = (bytes(args, 3), bytes(args, 4));
    let Some(templates) = templates(kind.as_bytes()) else {
        let message = [b"cannot find password template ", kind.as_bytes()].concat();
        return Ok(Val::Str(message.into()));
    };
    // scrypt takes 32 MiB for as long as it works; what is counted bounds how
    // often it does.
    ctx.take_bytes(1 << 20)?;
    let salt = [SEED, &sized(user)].concat();
    let mut key = [0; 64];
    let cost = scrypt::Params::new(15, 8, 2, key.len()).expect("the parameters are fixed");
    scrypt::scrypt(password, &salt, &cost, &mut key).expect("the length of the key is allowed");
    let message = [SEED, &sized(site), &counter.to_be_bytes()].concat();
    let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &message);
    let seed = seed.as_ref();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let characters = template.bytes().zip(&seed[1..]).map(|(class, byte)| {
        let alphabet = alphabet(class);
        char::from(alphabet[usize::from(*byte) % alphabet.len()])
    });
    Ok(characters.collect::<String>().into())
}

/// Go's default.
const COST: u32 = 10;

/// Longer passwords are refused, as in Go.
const MAX_PASSWORD: usize = 72;

/// The hash, or the text of the error.
fn bcrypt_hash(ctx: &Context<'_>, password: &[u8]) -> String {
    if password.len() > MAX_PASSWORD {
        return "failed to encrypt string with bcrypt: \
                bcrypt: password length exceeds 72 bytes"
            .to_owned();
    }
    let mut salt = [0; 16];
    ctx.host().random(&mut salt);
    match bcrypt::hash_with_salt(password, COST, salt) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(fault) => format!("failed to encrypt string with bcrypt: {fault}"),
    }
}

fn htpasswd(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let user = bytes(args, 0);
    let line = if user.contains(&b':') {
        [b"invalid username: ", user].concat()
    } else {
        let hash = bcrypt_hash(ctx, bytes(args, 1));
        [user, b":", hash.as_bytes()].concat()
    };
    Ok(Val::Str(line.into()))
}
