//! awc, on the runtime that it comes with.

use awc::{Client, Connector};
use futures_util::StreamExt;
use wireline_bench::{Failure, Job, Report, Scenario};

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    if job.secure {
        return Ok(None);
    }
    let url = job.url();
    actix_rt::System::new().block_on(async {
        let client = Client::default();
        match job.scenario {
            Scenario::Fresh => {
                let client = Client::builder().connector(Connector::new().limit(1)).finish();
                job.repeat_async(async || get(client.get(&url).force_close()).await).await
            }
            Scenario::Get => job.repeat_async(async || get(client.get(&url)).await).await,
            Scenario::Many => {
                let clients = (0..job.depth).map(|_| Client::default()).collect();
                let some = |client: Client, count| {
                    let url = url.clone();
                    async move {
                        let mut received = 0;
                        for _ in 0..count {
                            received += get(client.get(&url)).await?;
                        }
                        Ok((client, received))
                    }
                };
                job.repeat_many(clients, some).await
            }
            Scenario::Put => {
                let content = bytes::Bytes::from(job.content());
                job.repeat_async(async || {
                    let mut response = client.put(&url).send_body(content.clone()).await.map_err(|e| e.to_string())?;
                    Ok(response.body().await?.len() as u64)
                })
                .await
            }
            _ => Ok(None),
        }
    })
}

async fn get(request: awc::ClientRequest) -> Result<u64, Failure> {
    // Its error is not for other threads.
    let mut response = request.send().await.map_err(|error| error.to_string())?;
    let mut received = 0;
    while let Some(piece) = response.next().await {
        received += piece?.len() as u64;
    }
    Ok(received)
}
