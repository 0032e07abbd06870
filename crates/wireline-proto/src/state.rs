//! What is legal when: two tables, one for each half of a connection. The tests, the page in `docs` and its picture
//! are made from them.
//!
//! A connection is two half-machines joined by the queue of exchanges: what we may send, and what the peer may send.
//! A step that a table does not list is refused.

/// What we may send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Send {
    /// A request.
    Idle,
    /// Nothing: the content waits for 100 (Continue), RFC 9110 section 10.1.1.
    AwaitingContinue,
    /// Content of the request that has begun.
    Content,
    /// Nothing: a tunnel or an upgrade has been asked for, RFC 9110 sections 7.8 and 9.3.6.
    SwitchPending,
    /// No request any more: one of the two sides said so, RFC 9112 section 9.6.
    Closing,
    /// Nothing any more.
    Closed,
    /// Anything: the bytes are no longer HTTP.
    Switched,
}

/// What happens to the sending half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendStep {
    /// A request without content.
    Request,
    /// The same, and it is the last one: it says `Connection: close`.
    LastRequest,
    /// The same, and it asks for a tunnel or an upgrade.
    SwitchRequest,
    /// A request whose content follows.
    RequestWithContent,
    /// The same, but the content waits for 100 (Continue).
    RequestWithExpect,
    /// A piece of content.
    Content,
    /// The end of the content.
    Finish,
    /// The same, of the last request.
    LastFinish,
    /// The same, of a request that asks for an upgrade.
    SwitchFinish,
    /// The same, of a request whose upgrade the peer has already accepted.
    SwitchedFinish,
    /// 100 (Continue) came.
    Continue,
    /// The caller waits for 100 (Continue) no longer.
    Waive,
    /// The caller gives the content up.
    Abandon,
    /// The peer accepted the tunnel or the upgrade.
    Switch,
    /// The peer answered otherwise.
    SwitchRefused,
    /// The peer will take no more requests.
    PeerClose,
    /// The same, and no byte of the request whose content is due has left: it is taken back.
    Withdraw,
    /// Nothing can be sent any more.
    Fail,
}

/// Every legal step of the sending half: in this state, this step leads there.
pub const SEND: &[(Send, SendStep, Send)] = &[
    (Send::Idle, SendStep::Request, Send::Idle),
    (Send::Idle, SendStep::LastRequest, Send::Closing),
    (Send::Idle, SendStep::SwitchRequest, Send::SwitchPending),
    (Send::Idle, SendStep::RequestWithContent, Send::Content),
    (Send::Idle, SendStep::RequestWithExpect, Send::AwaitingContinue),
    (Send::Idle, SendStep::PeerClose, Send::Closing),
    (Send::Idle, SendStep::Fail, Send::Closed),
    (Send::AwaitingContinue, SendStep::Continue, Send::Content),
    (Send::AwaitingContinue, SendStep::Waive, Send::Content),
    (Send::AwaitingContinue, SendStep::Abandon, Send::Closed),
    (Send::AwaitingContinue, SendStep::PeerClose, Send::AwaitingContinue),
    (Send::AwaitingContinue, SendStep::Withdraw, Send::Closing),
    (Send::AwaitingContinue, SendStep::Fail, Send::Closed),
    (Send::Content, SendStep::Content, Send::Content),
    (Send::Content, SendStep::Finish, Send::Idle),
    (Send::Content, SendStep::LastFinish, Send::Closing),
    (Send::Content, SendStep::SwitchFinish, Send::SwitchPending),
    (Send::Content, SendStep::SwitchedFinish, Send::Switched),
    (Send::Content, SendStep::Abandon, Send::Closed),
    (Send::Content, SendStep::PeerClose, Send::Content),
    (Send::Content, SendStep::Withdraw, Send::Closing),
    (Send::Content, SendStep::Fail, Send::Closed),
    (Send::SwitchPending, SendStep::Switch, Send::Switched),
    (Send::SwitchPending, SendStep::SwitchRefused, Send::Idle),
    (Send::SwitchPending, SendStep::PeerClose, Send::Closing),
    (Send::SwitchPending, SendStep::Fail, Send::Closed),
    (Send::Closing, SendStep::PeerClose, Send::Closing),
    (Send::Closing, SendStep::Fail, Send::Closed),
    (Send::Closed, SendStep::PeerClose, Send::Closed),
    (Send::Closed, SendStep::Fail, Send::Closed),
    (Send::Switched, SendStep::Fail, Send::Closed),
];

/// What the peer may send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receive {
    /// Nothing: no request is unanswered.
    Idle,
    /// The head of a response, interim or final.
    Head,
    /// The message body of a final response, or, where it has none, its end.
    Body,
    /// Nothing any more: the last message is complete, and the connection does not persist (RFC 9112 section 9.6).
    /// What comes all the same is dropped.
    Done,
    /// Nothing any more: the peer has closed.
    Closed,
    /// Nothing that could be believed: an error.
    Broken,
    /// Anything: the bytes are no longer HTTP.
    Switched,
}

/// What happens to the receiving half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveStep {
    /// A request was sent: a response is owed.
    Request,
    /// An interim response.
    Interim,
    /// The head of a final response.
    Final,
    /// 101 that was asked for, or 2xx to CONNECT.
    Switch,
    /// The message is complete, and no request is unanswered.
    Complete,
    /// The message is complete, and the next request waits for its response.
    Next,
    /// The message is complete, and it was the last.
    Last,
    /// The peer closed between messages.
    EndOfStream,
    /// An error.
    Fail,
}

/// Every legal step of the receiving half.
pub const RECEIVE: &[(Receive, ReceiveStep, Receive)] = &[
    (Receive::Idle, ReceiveStep::Request, Receive::Head),
    (Receive::Idle, ReceiveStep::EndOfStream, Receive::Closed),
    (Receive::Idle, ReceiveStep::Fail, Receive::Broken),
    (Receive::Head, ReceiveStep::Request, Receive::Head),
    (Receive::Head, ReceiveStep::Interim, Receive::Head),
    (Receive::Head, ReceiveStep::Final, Receive::Body),
    (Receive::Head, ReceiveStep::Switch, Receive::Switched),
    (Receive::Head, ReceiveStep::Fail, Receive::Broken),
    (Receive::Body, ReceiveStep::Request, Receive::Body),
    (Receive::Body, ReceiveStep::Complete, Receive::Idle),
    (Receive::Body, ReceiveStep::Next, Receive::Head),
    (Receive::Body, ReceiveStep::Last, Receive::Done),
    (Receive::Body, ReceiveStep::Fail, Receive::Broken),
    (Receive::Done, ReceiveStep::EndOfStream, Receive::Closed),
];

impl Send {
    /// Where the step leads; `None` when it is not legal here.
    #[must_use]
    pub fn after(self, step: SendStep) -> Option<Self> {
        SEND_INDEX[self as usize][step as usize]
    }
}

impl Receive {
    /// Where the step leads; `None` when it is not legal here.
    #[must_use]
    pub fn after(self, step: ReceiveStep) -> Option<Self> {
        RECEIVE_INDEX[self as usize][step as usize]
    }
}

/// The tables by state and step, so that a step costs one look-up.
static SEND_INDEX: [[Option<Send>; SendStep::Fail as usize + 1]; Send::Switched as usize + 1] = {
    let mut index = [[None; SendStep::Fail as usize + 1]; Send::Switched as usize + 1];
    let mut i = 0;
    while i < SEND.len() {
        let (from, step, to) = SEND[i];
        index[from as usize][step as usize] = Some(to);
        i += 1;
    }
    index
};

static RECEIVE_INDEX: [[Option<Receive>; ReceiveStep::Fail as usize + 1]; Receive::Switched as usize + 1] = {
    let mut index = [[None; ReceiveStep::Fail as usize + 1]; Receive::Switched as usize + 1];
    let mut i = 0;
    while i < RECEIVE.len() {
        let (from, step, to) = RECEIVE[i];
        index[from as usize][step as usize] = Some(to);
        i += 1;
    }
    index
};
