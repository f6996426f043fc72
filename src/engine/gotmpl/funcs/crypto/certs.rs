//! `genCA` and its kin, `genPrivateKey`, `buildCustomCert`.

use super::keys::PrivateKey;
use super::pem;
use super::x509::{self, Signer, Template};
use crate::gotmpl::funcs::args::{bytes, int, text};
use crate::gotmpl::funcs::encoding::decode_base64;
use crate::gotmpl::funcs::ip;
use crate::gotmpl::funcs::strval::sprint_v;
use crate::gotmpl::funcs::times::{Duration, Time};
use crate::gotmpl::{Context, Error, FuncDef, GoStr, Kind, Object, Type, Val};
use core::net::IpAddr;
use std::any::Any;
use std::rc::Rc;

use Type::{AnyList, Int, Str};

const CERTIFICATE: Type = Type::Named("sprig.certificate");

pub(in crate::gotmpl::funcs) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("genPrivateKey", &[Str], Str, gen_private_key).drawn(),
    FuncDef::new("buildCustomCert", &[Str, Str], CERTIFICATE, build_custom),
    FuncDef::new("genCA", &[Str, Int], CERTIFICATE, |ctx, args| {
        let key = new_key(ctx)?;
        authority(ctx, args, &key)
    })
    .certificate(1),
    FuncDef::new(
        "genCAWithKey",
        &[Str, Int, Str],
        CERTIFICATE,
        |ctx, args| {
            let key = given_key(args, 2)?;
            authority(ctx, args, &key)
        },
    )
    .certificate(1),
    FuncDef::new(
        "genSelfSignedCert",
        &[Str, AnyList, AnyList, Int],
        CERTIFICATE,
        |ctx, args| {
            let key = new_key(ctx)?;
            self_signed(ctx, args, &key)
        },
    )
    .certificate(3),
    FuncDef::new(
        "genSelfSignedCertWithKey",
        &[Str, AnyList, AnyList, Int, Str],
        CERTIFICATE,
        |ctx, args| {
            let key = given_key(args, 4)?;
            self_signed(ctx, args, &key)
        },
    )
    .certificate(3),
    FuncDef::new(
        "genSignedCert",
        &[Str, AnyList, AnyList, Int, CERTIFICATE],
        CERTIFICATE,
        |ctx, args| {
            let key = new_key(ctx)?;
            signed(ctx, args, &key)
        },
    )
    .certificate(3),
    FuncDef::new(
        "genSignedCertWithKey",
        &[Str, AnyList, AnyList, Int, CERTIFICATE, Str],
        CERTIFICATE,
        |ctx, args| {
            let key = given_key(args, 5)?;
            signed(ctx, args, &key)
        },
    )
    .certificate(3),
];

/// Bits of the keys of certificates.
const CERTIFICATE_KEY_BITS: usize = 2048;

/// Bits of the keys of `genPrivateKey "rsa"`.
const PRIVATE_KEY_BITS: usize = 4096;

fn new_key(ctx: &Context<'_>) -> Result<PrivateKey, Error> {
    PrivateKey::new_rsa(ctx, CERTIFICATE_KEY_BITS)
        .map_err(|fault| Error::new(format!("error generating rsa key: {fault}")))
}

fn given_key(args: &[Val], at: usize) -> Result<PrivateKey, Error> {
    PrivateKey::from_pem(&text(args, at).to_text())
        .map_err(|fault| Error::new(format!("parsing private key: {fault}")))
}

fn gen_private_key(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let key = match bytes(args, 0) {
        b"" | b"rsa" => PrivateKey::new_rsa(ctx, PRIVATE_KEY_BITS),
        b"dsa" => Ok(PrivateKey::new_dsa(ctx)),
        b"ecdsa" => Ok(PrivateKey::new_ecdsa(ctx)),
        b"ed25519" => Ok(PrivateKey::new_ed25519(ctx)),
        other => return Ok(Val::Str([b"Unknown type ", other].concat().into())),
    };
    Ok(match key.and_then(|key| key.to_pem()) {
        Ok(pem) => pem.into(),
        Err(fault) => format!("failed to generate private key: {fault}").into(),
    })
}

fn authority(ctx: &Context<'_>, args: &[Val], key: &PrivateKey) -> Result<Val, Error> {
    let mut template = template(ctx, text(args, 0), &Val::Nil, &Val::Nil, int(args, 1))?;
    template.is_authority = true;
    certificate(&template, key, None)
}

fn self_signed(ctx: &Context<'_>, args: &[Val], key: &PrivateKey) -> Result<Val, Error> {
    let template = template(ctx, text(args, 0), &args[1], &args[2], int(args, 3))?;
    certificate(&template, key, None)
}

fn signed(ctx: &Context<'_>, args: &[Val], key: &PrivateKey) -> Result<Val, Error> {
    let authority: &Certificate = args[4]
        .downcast()
        .expect("the evaluator gives a certificate for its type");
    let signer = parsed(
        &authority.cert,
        "unable to decode certificate",
        "decodedSignerCert.Bytes",
    )?;
    let signing = PrivateKey::from_pem(&authority.key)
        .map_err(|fault| Error::new(format!("error parsing private key: {fault}")))?;
    let template = template(ctx, text(args, 0), &args[1], &args[2], int(args, 3))?;
    certificate(&template, key, Some((&signer, &signing)))
}

/// The certificate of a PEM text.
fn parsed(pem: &str, undecodable: &str, what: &str) -> Result<Signer, Error> {
    let (_, der) = pem::decode(pem).ok_or_else(|| Error::new(undecodable))?;
    x509::signer(&der).ok_or_else(|| {
        Error::new(format!(
            "error parsing certificate: {what}: x509: malformed certificate"
        ))
    })
}

fn template(
    ctx: &Context<'_>,
    common_name: &GoStr,
    addresses: &Val,
    dns_names: &Val,
    days: i64,
) -> Result<Template, Error> {
    const NANOS_PER_DAY: i64 = 86_400_000_000_000;
    let addresses = items(addresses, "error parsing ip")?;
    let addresses = addresses.iter().map(|text| {
        let address = ip::parse(text.as_bytes())
            .ok()
            .filter(|_| !text.contains('%'));
        address.ok_or_else(|| Error::new(format!("error parsing ip: {text}")))
    });
    let addresses = addresses.collect::<Result<Vec<IpAddr>, _>>()?;
    let dns_names = items(dns_names, "error processing alternate dns name")?;
    let mut serial = [0; 16];
    ctx.host().random(&mut serial);
    let now = Time::of(&ctx.host().signing_time());
    Ok(Template {
        serial,
        common_name: common_name.as_bytes().to_vec(),
        addresses,
        dns_names,
        not_after: now.plus(Duration(NANOS_PER_DAY.wrapping_mul(days))),
        not_before: now,
        is_authority: false,
    })
}

/// A list of strings; the fault names what is none.
fn items(list: &Val, fault: &str) -> Result<Vec<String>, Error> {
    let Val::List(list) = list else {
        return Ok(Vec::new());
    };
    let items = list.items();
    let texts = items.iter().map(|item| match item {
        Val::Str(text) => Ok(text.to_text().into_owned()),
        other => {
            let shown = sprint_v(other)?;
            Err(Error::new(format!("{fault}: {shown} is not a string")))
        }
    });
    texts.collect()
}

fn certificate(
    template: &Template,
    key: &PrivateKey,
    signer: Option<(&Signer, &PrivateKey)>,
) -> Result<Val, Error> {
    let der = x509::create(template, key, signer)
        .map_err(|fault| Error::new(format!("error creating certificate: {fault}")))?;
    let key = key.to_pem().map_err(Error::new)?;
    Ok(Certificate::val(pem::encode("CERTIFICATE", &der), key))
}

fn build_custom(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let decoded = |at: usize, what: &str| {
        let decoded = decode_base64(bytes(args, at));
        let text = decoded.map_err(|_| Error::new(format!("unable to decode base64 {what}")))?;
        Ok::<_, Error>(String::from_utf8_lossy(&text).into_owned())
    };
    let (cert, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    parsed(&cert, "unable to decode certificate", "decodedCert.Bytes")?;
    PrivateKey::from_pem(&key)
        .map_err(|fault| Error::new(format!("error parsing private key: {fault}")))?;
    Ok(Certificate::val(cert, key))
}

/// `sprig.certificate`: `.Cert` and `.Key`, in PEM.
struct Certificate {
    cert: String,
    key: String,
}

impl Certificate {
    fn val(cert: String, key: String) -> Val {
        Val::Object(Rc::new(Certificate { cert, key }))
    }
}

/// Certificate and key of a `sprig.certificate`.
pub(in crate::gotmpl) fn certificate_of(value: &Val) -> Option<(String, String)> {
    let found: &Certificate = value.downcast()?;
    Some((found.cert.clone(), found.key.clone()))
}

/// A `sprig.certificate` of two PEM texts.
pub(in crate::gotmpl) fn certificate_val(cert: String, key: String) -> Val {
    Certificate::val(cert, key)
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Val> {
        match name {
            "Cert" => Some(self.cert.as_str().into()),
            "Key" => Some(self.key.as_str().into()),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        vec![
            ("Cert", self.cert.as_str().into()),
            ("Key", self.key.as_str().into()),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Certificate>();
        other.is_some_and(|o| o.cert == self.cert && o.key == self.key)
    }
}
