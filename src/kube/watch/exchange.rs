//! One request and its answer, line by line, over ureq's sans-io HTTP/1.1.

use super::connect::{Stream, unexpected_end};
use crate::http::{Fault, io_fault};
use http::{Request, Response};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use ureq_proto::client::state::RecvBody;
use ureq_proto::client::{Call, RecvResponseResult, SendRequestResult};
use ureq_proto::{BodyMode, Error as ProtocolError};

/// What is read from the connection at once. Most events are smaller.
const READ_BYTES: usize = 4 * 1024;
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// A line's buffer above this is given back once the line is done.
const KEPT_LINE_BYTES: usize = 16 * 1024;
const MAX_LINE_BYTES: usize = crate::kube::list::MAX_OBJECT_BYTES as usize;

/// An answer whose head is there and whose body is being read.
pub struct Exchange {
    stream: Box<dyn Stream>,
    /// None for an answer without a body.
    body: Option<Call<RecvBody>>,
    /// Read from the connection, not yet decoded.
    input: Vec<u8>,
    /// Decoded, not yet a whole line.
    line: Vec<u8>,
    /// How much of `line` has no line end in it.
    searched: usize,
}

/// Sends a request without a body and waits for the head of the answer.
pub async fn send(
    mut stream: Box<dyn Stream>,
    request: Request<()>,
    limit: Duration,
) -> Result<(Response<()>, Exchange), Fault> {
    let mut call = Call::new(request).map_err(garbage)?.proceed();
    let mut head = vec![0; MAX_HEAD_BYTES];
    let n = call.write(&mut head).map_err(garbage)?;
    head.truncate(n);
    stream.write_all(&head).await.map_err(io_fault)?;
    stream.flush().await.map_err(io_fault)?;
    let next = call.proceed().map_err(garbage)?;
    let Some(SendRequestResult::RecvResponse(mut call)) = next else {
        return Err(Fault::Url("the request does not fit".to_owned()));
    };

    let mut input = Vec::new();
    let receive = async {
        loop {
            let (used, response) = call.try_response(&input, false).map_err(garbage)?;
            input.drain(..used);
            if let Some(response) = response {
                return Ok(response);
            }
            if input.len() > MAX_HEAD_BYTES {
                let limit = MAX_HEAD_BYTES as u64;
                return Err(Fault::TooLarge { limit });
            }
            read_more(&mut stream, &mut input).await?;
        }
    };
    let response = match timeout(limit, receive).await {
        Ok(response) => response?,
        Err(_) => return Err(Fault::Timeout("receive response timed out".to_owned())),
    };
    let body = match call.proceed() {
        Some(RecvResponseResult::RecvBody(body)) => Some(body),
        Some(RecvResponseResult::Redirect(_) | RecvResponseResult::Cleanup(_)) | None => None,
    };
    let exchange = Exchange {
        stream,
        body,
        input,
        line: Vec::new(),
        searched: 0,
    };
    Ok((response, exchange))
}

impl Exchange {
    /// The next line, without its end; None after the last. Reading on drops
    /// the line that was given before.
    pub async fn next_line(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            let found = self.line[self.searched..].iter().position(|b| *b == b'\n');
            if let Some(found) = found {
                let end = self.searched + found;
                let rest = self.line.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.line, rest);
                line.truncate(end);
                self.line.shrink_to(KEPT_LINE_BYTES);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.line.len();
            if self.searched > MAX_LINE_BYTES {
                let limit = MAX_LINE_BYTES as u64;
                return Err(Fault::TooLarge { limit });
            }
            if !self.decode_more().await? {
                let last = std::mem::take(&mut self.line);
                self.searched = 0;
                return Ok(Some(last).filter(|last| !last.is_empty()));
            }
        }
    }

    /// All that is left of the body, up to `limit` bytes.
    pub async fn rest(mut self, limit: usize) -> Vec<u8> {
        // An error's body is a courtesy: what came is what is shown.
        while self.line.len() < limit && matches!(self.decode_more().await, Ok(true)) {}
        self.line.truncate(limit);
        self.line
    }

    /// False at the end of the body.
    async fn decode_more(&mut self) -> Result<bool, Fault> {
        let Some(body) = &mut self.body else {
            return Ok(false);
        };
        loop {
            if !self.input.is_empty() {
                let before = self.line.len();
                self.line.resize(before + self.input.len(), 0);
                let decoded = body.read(&self.input, &mut self.line[before..]);
                let (used, made) = decoded.map_err(garbage)?;
                self.line.truncate(before + made);
                self.input.drain(..used);
                if made > 0 {
                    return Ok(true);
                }
            }
            let until_close = body.body_mode() == BodyMode::CloseDelimited;
            if body.can_proceed() && !until_close {
                return Ok(false);
            }
            match read_more(&mut self.stream, &mut self.input).await {
                Ok(()) => {}
                Err(Fault::Broken(_)) if until_close => return Ok(false),
                Err(fault) => return Err(fault),
            }
        }
    }
}

async fn read_more(stream: &mut Box<dyn Stream>, input: &mut Vec<u8>) -> Result<(), Fault> {
    input.reserve(READ_BYTES);
    match stream.read_buf(input).await {
        Ok(0) => Err(io_fault(unexpected_end())),
        Ok(_) => Ok(()),
        Err(error) => Err(io_fault(error)),
    }
}

fn garbage(error: ProtocolError) -> Fault {
    Fault::Garbage(error.to_string())
}
