//! Talking to a git server: refs, and packs at depth 1.
//!
//! ```text
//! handshake -> ls-refs (prefixes)                      a poll
//! handshake -> fetch (want, haves, deepen 1, done)     one round: a thin pack comes back
//! ```

use std::io::{self, BufRead};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::error::Result as GixResult;
use gix::odb::pack;
use gix::progress::Discard;
use gix::protocol::fetch::{self, Arguments, Negotiate, Shallow, Tags, negotiate};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::transport::client::blocking_io::{Transport, http::connect_http};
use gix::protocol::transport::client::git;
use gix::protocol::transport::{Protocol, Service};
use gix::protocol::{Handshake, LsRefsCommand};

use super::access::Access;
use super::cache::Step;
use super::counters::Counters;
use super::error::{Fault, chain};
use super::https::{FaultCell, HttpsTransport, lock};
use super::mirror::Mirror;
use super::objects::{MAX_OBJECT_BYTES, Objects};
use super::ssh;
use super::url::{RepositoryUrl, Scheme};

/// A pack above this is not taken; the largest cluster repositories have a
/// few hundred megabytes of files.
pub const MAX_PACK_BYTES: u64 = 1024 * 1024 * 1024;

/// A handshake done, ready for one command.
pub(super) struct Session {
    transport: Box<dyn Transport>,
    handshake: Handshake,
    fault: FaultCell,
    counters: Arc<Counters>,
}

/// A ref of the server, and the commit that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RemoteRef {
    pub name: String,
    /// Through an annotated tag.
    pub commit: ObjectId,
    /// The object that the ref names.
    pub object: ObjectId,
    /// Of a symbolic ref.
    pub target: Option<String>,
}

impl Session {
    pub fn open(
        url: &RepositoryUrl,
        access: &Access,
        counters: &Arc<Counters>,
    ) -> Result<Self, Fault> {
        Self::open_within(url, access, counters, MAX_PACK_BYTES)
    }

    /// For a pack of so many bytes at most.
    pub fn open_within(
        url: &RepositoryUrl,
        access: &Access,
        counters: &Arc<Counters>,
        limit: u64,
    ) -> Result<Self, Fault> {
        let (mut transport, fault): (Box<dyn Transport>, FaultCell) = match url.scheme {
            Scheme::Https | Scheme::Http => {
                let (https, fault) = HttpsTransport::new(url, access, Arc::clone(counters), limit)?;
                let address = gix::url::parse(url.to_string().as_str())
                    .map_err(|error| Fault::Url(chain(&error)))?;
                let transport = connect_http(https, address, Protocol::V2, false);
                (Box::new(transport), fault)
            }
            Scheme::Ssh => {
                let (reader, writer, fault) = ssh::connect(url, access, counters, limit)?;
                let transport = git::blocking_io::Connection::new(
                    reader,
                    writer,
                    Protocol::V2,
                    url.path.as_str(),
                    None::<(&str, _)>,
                    git::ConnectMode::Process,
                    false,
                )
                .custom_url(Some(url.to_string().into()));
                (Box::new(transport), fault)
            }
            Scheme::File => return Err(Fault::Url("is a local repository".into())),
        };
        let handshake = gix::protocol::handshake(
            &mut transport,
            Service::UploadPack,
            // Credentials are sent from the start where there are any.
            |_| Ok(None),
            Vec::new(),
            &mut Discard,
        )
        .map_err(|error| settled(&fault, &error))?;
        Ok(Self {
            transport,
            handshake,
            fault,
            counters: Arc::clone(counters),
        })
    }

    /// Refs whose names start with one of these. Old servers send all.
    pub fn refs(&mut self, prefixes: &[String]) -> Result<Vec<RemoteRef>, Fault> {
        self.counters.poll();
        let refs = match self.handshake.refs.take() {
            Some(refs) => refs,
            None => {
                let mut wanted = RefPrefixes::new();
                wanted.extend(prefixes.iter().map(|prefix| prefix.as_str().into()));
                LsRefsCommand::new(Some(wanted), &self.handshake.capabilities, agent())
                    .invoke_blocking(&mut self.transport, &mut Discard, false)
                    .map_err(|error| settled(&self.fault, &error))?
            }
        };
        Ok(refs.into_iter().filter_map(remote_ref).collect())
    }

    /// Brings the wanted object, without history, as a delta against what the
    /// mirror holds; gives the number of objects that came.
    pub fn fetch(self, mirror: &Mirror, want: ObjectId, step: Step) -> Result<u64, Fault> {
        self.receive(mirror, want, step, NonZeroU32::MIN, None)
    }

    /// Brings so many commits, the wanted one and those before it, without what
    /// they hold where the server can leave that out.
    pub fn fetch_commits(
        self,
        store: &Mirror,
        want: ObjectId,
        step: Step,
        depth: NonZeroU32,
    ) -> Result<u64, Fault> {
        self.receive(store, want, step, depth, Some("tree:0"))
    }

    fn receive(
        mut self,
        mirror: &Mirror,
        want: ObjectId,
        step: Step,
        depth: NonZeroU32,
        filter: Option<&'static str>,
    ) -> Result<u64, Fault> {
        let haves = mirror.commits().map_err(Fault::Disk)?;
        let bases = match haves.is_empty() {
            true => None,
            false => {
                let objects = Objects::open(&mirror.objects(), None).map_err(Fault::Disk)?;
                Some(objects.handle().clone())
            }
        };
        let mut wanted = Pinned {
            want,
            haves,
            filter,
        };
        let packs = mirror.packs();
        let fault = Arc::clone(&self.fault);
        let mut outcome = None;
        let received = fetch_pack(&mut self, &mut wanted, mirror, depth, |reader| {
            let mut reader = Stepwise {
                reader,
                step,
                fault: &fault,
            };
            let written = write_pack(&mut reader, &packs, bases);
            let written = written.inspect_err(|error| keep_cause(&fault, error))?;
            outcome = Some(written);
            Ok(true)
        });
        received.map_err(|error| settled(&self.fault, &error))?;
        let outcome = outcome.ok_or(Fault::Nothing)?;
        if let Some(keep) = &outcome.keep_path {
            std::fs::remove_file(keep).map_err(Fault::Disk)?;
        }
        let size = |path: &Option<std::path::PathBuf>| {
            let path = path.as_deref();
            path.and_then(|p| p.metadata().ok()).map_or(0, |m| m.len())
        };
        let bytes = size(&outcome.data_path) + size(&outcome.index_path);
        let objects = u64::from(outcome.index.num_objects);
        self.counters.fetch(objects, bytes);
        Ok(objects)
    }
}

/// A reader of which each piece is a step of a job.
struct Stepwise<'r> {
    reader: &'r mut dyn BufRead,
    step: Step,
    fault: &'r FaultCell,
}

impl Stepwise<'_> {
    fn step(&self) -> io::Result<()> {
        (self.step)().map_err(|why| {
            *lock(self.fault) = Some(Fault::Stopped(why));
            io::Error::other("stopped")
        })
    }
}

impl io::Read for Stepwise<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.step()?;
        self.reader.read(into)
    }
}

impl BufRead for Stepwise<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.step()?;
        self.reader.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.reader.consume(n);
    }
}

fn fetch_pack(
    session: &mut Session,
    wanted: &mut Pinned,
    mirror: &Mirror,
    depth: NonZeroU32,
    consume: impl FnOnce(&mut dyn BufRead) -> GixResult<bool>,
) -> GixResult<()> {
    gix::protocol::fetch(
        wanted,
        |reader, _, _| consume(reader),
        Discard,
        &AtomicBool::new(false),
        fetch::Context {
            handshake: &mut session.handshake,
            transport: &mut session.transport,
            user_agent: agent(),
            trace_packetlines: false,
        },
        fetch::Options {
            shallow_file: mirror.shallow(),
            shallow: &Shallow::DepthAtRemote(depth),
            tags: Tags::None,
            reject_shallow_remote: false,
        },
    )?;
    Ok(())
}

/// Writes a pack with its index; `bases` complete a thin one.
pub(super) fn write_pack(
    reader: &mut dyn BufRead,
    directory: &Path,
    bases: Option<gix::odb::Handle>,
) -> GixResult<pack::bundle::write::Outcome> {
    let options = pack::bundle::write::Options {
        thread_limit: Some(1),
        iteration_mode: pack::data::input::Mode::Verify,
        index_version: pack::index::Version::V2,
        alloc_limit_bytes: Some(MAX_OBJECT_BYTES as usize),
        ..pack::bundle::write::Options::default()
    };
    pack::Bundle::write_to_directory(
        reader,
        Some(directory),
        &mut Discard,
        &AtomicBool::new(false),
        bases,
        gix::hash::Kind::Sha1,
        options,
    )
}

/// Asks for one object and names what is there, in a single round.
struct Pinned {
    want: ObjectId,
    haves: Vec<ObjectId>,
    /// What is left out, if the server knows how.
    filter: Option<&'static str>,
}

impl Negotiate for Pinned {
    fn mark_complete_and_common_ref(&mut self) -> GixResult<negotiate::Action> {
        Ok(negotiate::Action::MustNegotiate {
            remote_ref_target_known: vec![false],
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        arguments.want(self.want);
        if let Some(filter) = self.filter
            && arguments.can_use_filter()
        {
            arguments.filter(filter);
        }
        true
    }

    fn one_round(
        &mut self,
        _state: &mut negotiate::one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&fetch::Response>,
    ) -> GixResult<(negotiate::Round, bool)> {
        for have in &self.haves {
            arguments.have(have);
        }
        let round = negotiate::Round {
            haves_sent: self.haves.len(),
            in_vain: 0,
            haves_to_send: self.haves.len(),
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}

fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(crate::http::USER_AGENT.to_owned()))
}

fn remote_ref(found: Ref) -> Option<RemoteRef> {
    let text = |name: &gix::bstr::BString| name.to_str_lossy().into_owned();
    Some(match found {
        Ref::Peeled {
            full_ref_name,
            tag,
            object,
        } => RemoteRef {
            name: text(&full_ref_name),
            commit: object,
            object: tag,
            target: None,
        },
        Ref::Direct {
            full_ref_name,
            object,
        } => RemoteRef {
            name: text(&full_ref_name),
            commit: object,
            object,
            target: None,
        },
        Ref::Symbolic {
            full_ref_name,
            target,
            tag,
            object,
        } => RemoteRef {
            name: text(&full_ref_name),
            commit: object,
            object: tag.unwrap_or(object),
            target: Some(text(&target)),
        },
        Ref::Unborn { .. } => return None,
    })
}

/// A pack that cannot be written: the network's fault is kept already; else it
/// is the disk's, or the bases that the delta needs are not what they should be.
fn keep_cause(kept: &FaultCell, error: &gix::Error) {
    let mut kept = lock(kept);
    if kept.is_some() {
        return;
    }
    let kind = error.downcast_any_ref::<io::Error>().map(io::Error::kind);
    *kept = Some(match kind {
        Some(
            kind @ (io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem),
        ) => Fault::Disk(io::Error::new(kind, chain(error))),
        Some(_) | None => Fault::Damaged(chain(error)),
    });
}

/// Our own fault where the transport kept one, else what gix says.
fn settled(kept: &FaultCell, error: &gix::Error) -> Fault {
    if let Some(fault) = lock(kept).take() {
        return fault;
    }
    let text = chain(error);
    // What upload-pack says about an object that it will not or cannot send.
    let refused = [
        "not our ref",
        "no such remote ref",
        "unadvertised object",
        "bad object",
    ];
    if refused.iter().any(|part| text.contains(part)) {
        return Fault::CommitRefused(text);
    }
    if let Some(cause) = error.downcast_any_ref::<io::Error>() {
        return match cause.kind() {
            // The connection itself was fine, or its fault were kept.
            io::ErrorKind::UnexpectedEof => Fault::Garbage("it ends in the middle".into()),
            _ => Fault::Garbage(text),
        };
    }
    Fault::Garbage(text)
}
