//! reqwest, awaited on a runtime of one thread, and blocking.

use std::fs::File;
use std::io::{Seek, Write};

use reqwest::{Certificate, Client, Response, blocking};
use tokio::runtime::Builder;
use wireline_bench::{Failure, Job, Report, Scenario};

use crate::{BUFFER, drain};

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    prepare();
    let client = || -> Result<Client, Failure> {
        let builder = Client::builder().no_proxy();
        Ok(match job.secure {
            true => builder.tls_certs_only([Certificate::from_pem(&job.root()?)?]).build()?,
            false => builder.build()?,
        })
    };
    let url = job.url();
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        match job.scenario {
            Scenario::Fresh => {
                let builder = || Client::builder().no_proxy().pool_max_idle_per_host(0);
                let client = match job.secure {
                    true => builder().tls_certs_only([Certificate::from_pem(&job.root()?)?]).build()?,
                    false => builder().build()?,
                };
                job.repeat_async(async || read(client.get(&url).send().await?, |_| Ok(())).await).await
            }
            Scenario::Get => {
                let client = client()?;
                job.repeat_async(async || read(client.get(&url).send().await?, |_| Ok(())).await).await
            }
            Scenario::Put => {
                let client = client()?;
                let content = bytes::Bytes::from(job.content());
                let send = async || read(client.put(&url).body(content.clone()).send().await?, |_| Ok(())).await;
                job.repeat_async(send).await
            }
            Scenario::PutFile => {
                let client = client()?;
                let length = std::fs::metadata(&job.file)?.len();
                job.repeat_async(async || {
                    let file = tokio::fs::File::open(&job.file).await?;
                    let put = client.put(&url).header("content-length", length).body(file);
                    read(put.send().await?, |_| Ok(())).await
                })
                .await
            }
            Scenario::Save => {
                let client = client()?;
                let mut file = File::create(&job.file)?;
                job.repeat_async(async || {
                    file.rewind()?;
                    read(client.get(&url).send().await?, |piece| file.write_all(piece)).await
                })
                .await
            }
            _ => Ok(None),
        }
    })
}

pub(crate) fn measure_blocking(job: &Job) -> Result<Option<Report>, Failure> {
    prepare();
    let mut builder = blocking::Client::builder().no_proxy();
    if job.scenario == Scenario::Fresh {
        builder = builder.pool_max_idle_per_host(0);
    }
    if job.secure {
        builder = builder.tls_certs_only([Certificate::from_pem(&job.root()?)?]);
    }
    let client = builder.build()?;
    let url = job.url();
    let mut buffer = vec![0; BUFFER];
    match job.scenario {
        Scenario::Fresh | Scenario::Get => job.repeat(|| drain(client.get(&url).send()?, &mut buffer)),
        Scenario::Put => {
            let content = bytes::Bytes::from(job.content());
            job.repeat(|| drain(client.put(&url).body(content.clone()).send()?, &mut buffer))
        }
        Scenario::PutFile => job.repeat(|| drain(client.put(&url).body(File::open(&job.file)?).send()?, &mut buffer)),
        Scenario::Save => {
            let mut file = File::create(&job.file)?;
            job.repeat(|| {
                file.rewind()?;
                Ok(client.get(&url).send()?.copy_to(&mut file)?)
            })
        }
        _ => Ok(None),
    }
}

/// It is built without a provider of its own.
fn prepare() {
    // Only a second call fails, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn read(mut response: Response, mut piece: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, Failure> {
    let mut received = 0;
    while let Some(chunk) = response.chunk().await? {
        received += chunk.len() as u64;
        piece(&chunk)?;
    }
    Ok(received)
}
