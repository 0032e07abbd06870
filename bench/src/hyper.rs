//! hyper's own connection, without a pool, on a runtime of one thread.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body, Frame};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_LENGTH, HOST};
use hyper::rt::{Read as HyperRead, Write as HyperWrite};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;
use wireline_bench::{Failure, Job, Report, Scenario};

use crate::BUFFER;

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if job.scenario == Scenario::Idle {
        let held = runtime.block_on(async {
            let mut held = Vec::with_capacity(job.depth);
            for _ in 0..job.depth {
                let mut sender = connect(job).await?;
                get(&mut sender, job).await?;
                held.push(sender);
            }
            Ok::<_, Failure>(held)
        })?;
        return job.held((held, runtime));
    }
    runtime.block_on(async {
        match job.scenario {
            Scenario::Fresh => job.repeat_async(async || get(&mut connect(job).await?, job).await).await,
            Scenario::Get => {
                let mut sender = connect(job).await?;
                job.repeat_async(async || get(&mut sender, job).await).await
            }
            Scenario::Many => many(job).await,
            Scenario::Put => {
                let mut sender = connect(job).await?;
                let content = Bytes::from(job.content());
                job.repeat_async(async || put(&mut sender, job, job.size as u64, Full::new(content.clone())).await)
                    .await
            }
            Scenario::PutFile => {
                let mut sender = connect(job).await?;
                let mut file = File::open(&job.file)?;
                let length = file.metadata()?.len();
                job.repeat_async(async || {
                    file.rewind()?;
                    put(&mut sender, job, length, StreamBody::new(stream::iter(blocks(file.try_clone()?)))).await
                })
                .await
            }
            Scenario::Save => {
                let mut sender = connect(job).await?;
                let mut file = File::create(&job.file)?;
                job.repeat_async(async || {
                    file.rewind()?;
                    receive(&mut sender, request::<Empty<Bytes>>(Method::GET, job)?, |piece| file.write_all(piece))
                        .await
                })
                .await
            }
            _ => Ok(None),
        }
    })
}

async fn many(job: &Job) -> Result<Option<Report>, Failure> {
    let mut senders = Vec::with_capacity(job.depth);
    for _ in 0..job.depth {
        senders.push(connect(job).await?);
    }
    let tasks = LocalSet::new();
    let some = |mut sender: SendRequest<Empty<Bytes>>, count| {
        let job = job.clone();
        async move {
            let mut received = 0;
            for _ in 0..count {
                received += get(&mut sender, &job).await?;
            }
            Ok((sender, received))
        }
    };
    tasks.run_until(job.repeat_many(senders, some)).await
}

async fn connect<B>(job: &Job) -> Result<SendRequest<B>, Failure>
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Send + 'static,
{
    let stream = TcpStream::connect(&job.authority).await?;
    stream.set_nodelay(true)?;
    if !job.secure {
        return drive(stream).await;
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&job.root()?)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1")?;
    drive(TlsConnector::from(Arc::new(config)).connect(name, stream).await?).await
}

async fn drive<B, S>(stream: S) -> Result<SendRequest<B>, Failure>
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Send + 'static,
    TokioIo<S>: HyperRead + HyperWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn request<B: Default>(method: Method, job: &Job) -> Result<Request<B>, Failure> {
    let builder = Request::builder().method(method).uri(&job.target).header(HOST, &job.authority);
    Ok(builder.body(B::default())?)
}

async fn get(sender: &mut SendRequest<Empty<Bytes>>, job: &Job) -> Result<u64, Failure> {
    receive(sender, request(Method::GET, job)?, |_| Ok(())).await
}

async fn put<B>(sender: &mut SendRequest<B>, job: &Job, length: u64, body: B) -> Result<u64, Failure>
where
    B: Body<Data = Bytes> + 'static,
{
    let mut request = request::<()>(Method::PUT, job)?.map(|()| body);
    request.headers_mut().insert(CONTENT_LENGTH, length.into());
    receive(sender, request, |_| Ok(())).await
}

async fn receive<B>(
    sender: &mut SendRequest<B>,
    request: Request<B>,
    mut piece: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<u64, Failure>
where
    B: Body<Data = Bytes> + 'static,
{
    sender.ready().await?;
    let mut response = sender.send_request(request).await?;
    let mut received = 0;
    while let Some(frame) = response.frame().await {
        if let Some(bytes) = frame?.data_ref() {
            received += bytes.len() as u64;
            piece(bytes)?;
        }
    }
    Ok(received)
}

/// The content of a file, piece by piece.
fn blocks(mut file: File) -> impl Iterator<Item = std::io::Result<Frame<Bytes>>> {
    std::iter::from_fn(move || {
        let mut block = vec![0; BUFFER];
        match file.read(&mut block) {
            Ok(0) => None,
            Ok(read) => {
                block.truncate(read);
                Some(Ok(Frame::data(block.into())))
            }
            Err(error) => Some(Err(error)),
        }
    })
}
