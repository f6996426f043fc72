//! `encryptAES` and `decryptAES`: AES-256 in CBC mode, the password's bytes
//! being the key, the initial vector in front.

use crate::gotmpl::funcs::args::bytes;
use crate::gotmpl::funcs::encoding::decode_base64;
use crate::gotmpl::{Context, Error, FuncDef, Type, Val};
use aes::Aes256;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use Type::Str;

pub(in crate::gotmpl::funcs) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("encryptAES", &[Str, Str], Str, encrypt).drawn(),
    FuncDef::new("decryptAES", &[Str, Str], Str, decrypt),
];

const BLOCK: usize = 16;

/// The password, cut or filled with zeros.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let len = password.len().min(key.len());
    key[..len].copy_from_slice(&password[..len]);
    key
}

fn encrypt(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let plain = bytes(args, 1);
    if plain.is_empty() {
        return Ok("".into());
    }
    ctx.take_bytes(plain.len() as u64 * 2)?;
    let mut vector = [0; BLOCK];
    ctx.host().random(&mut vector);
    let padding = BLOCK - plain.len() % BLOCK;
    let mut content = plain.to_vec();
    content.resize(plain.len() + padding, padding as u8);
    let mut cipher = cbc::Encryptor::<Aes256>::new(&key(bytes(args, 0)).into(), &vector.into());
    for block in content.chunks_exact_mut(BLOCK) {
        cipher.encrypt_block_mut(block.into());
    }
    Ok(STANDARD.encode([&vector[..], &content].concat()).into())
}

fn decrypt(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let sealed = bytes(args, 1);
    if sealed.is_empty() {
        return Ok("".into());
    }
    let sealed = decode_base64(sealed).map_err(|fault| Error::new(fault.to_string()))?;
    let Some((vector, content)) = sealed.split_at_checked(BLOCK) else {
        return Err(Error::new(format!(
            "runtime error: slice bounds out of range [:{BLOCK}] with capacity {}",
            capacity(args, sealed.len())
        )));
    };
    if content.len() % BLOCK != 0 {
        return Err(Error::new("crypto/cipher: input not full blocks"));
    }
    let mut content = content.to_vec();
    let vector: [u8; BLOCK] = vector.try_into().expect("split at a block");
    let mut cipher = cbc::Decryptor::<Aes256>::new(&key(bytes(args, 0)).into(), &vector.into());
    for block in content.chunks_exact_mut(BLOCK) {
        cipher.decrypt_block_mut(block.into());
    }
    let Some(padding) = content.last().map(|byte| usize::from(*byte)) else {
        return Err(Error::new("runtime error: index out of range [-1]"));
    };
    // The padding is not checked in any other way.
    let Some(kept) = content.len().checked_sub(padding) else {
        return Err(Error::new(format!(
            "runtime error: slice bounds out of range [:-{}]",
            padding - content.len()
        )));
    };
    content.truncate(kept);
    Ok(Val::Str(content.into()))
}

/// What Go's decoder allocates: room for all digits, and no less than it gives.
fn capacity(args: &[Val], len: usize) -> usize {
    (bytes(args, 1).len() / 4 * 3).max(len)
}
