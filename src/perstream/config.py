"""Every setting, once: default, unit, range and meaning. ``perstream.settings`` reads them.

Secrets are no settings: they come from the environment or a ``.env`` file alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from perstream.config_privacy import EncryptionConfig, PrivacyConfig
from perstream.config_upkeep import AlertConfig, BackupConfig, LogConfig, WatchdogConfig

Meta = msgspec.Meta
Share = Annotated[float, Meta(ge=0, le=1)]


@dataclass(frozen=True)
class SourceConfig:
    """Cameras and files."""

    open_deadline_s: Annotated[float, Meta(gt=0, le=120)] = 5.0
    """Give up opening a camera or stream after this many seconds."""
    read_deadline_s: Annotated[float, Meta(gt=0, le=300)] = 5.0
    """A live source that sends nothing for this long is closed and reopened."""
    backoff_min_s: Annotated[float, Meta(gt=0, le=60)] = 0.5
    """First wait before a lost live source is opened again; doubles up to the maximum."""
    backoff_max_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """Longest wait before a lost live source is opened again."""
    audio: bool = True
    """Listen for voices in the sound track."""
    transcript: bool = True
    """Read a side-car .srt/.vtt or embedded subtitles."""
    allow_hosts: tuple[str, ...] = ()
    """Hosts that a stream may come from although they are this machine or a link-local address; * is any. What the command line names is always opened."""
    folders: tuple[str, ...] = ()
    """Folders whose files may be watched over the API by a token that is not the owner's; the owner may name any."""
    image_s: Annotated[float, Meta(gt=0, le=3600)] = 2.0
    """How long each image of a folder is shown on its timeline, in seconds."""


@dataclass(frozen=True)
class KeyframeConfig:
    """Which frames are worth a closer look."""

    mode: Literal["dis", "lk"] = "dis"
    """Optical flow: DIS (fast) or Lucas-Kanade as in the paper."""
    motion_threshold: Annotated[float, Meta(gt=0, le=10)] = 0.15
    """How far the view must have moved since the last keyframe, as a share of the picture's width."""
    settle_s: Annotated[float, Meta(ge=0, le=60)] = 0.4
    """A view that came to rest for this long gives one sharp keyframe."""
    dwell_s: Annotated[float, Meta(gt=0, le=3600)] = 1.0
    """A view at rest is confirmed by one more keyframe after this long."""
    min_interval_s: Annotated[float, Meta(ge=0, le=60)] = 0.5
    """Never two keyframes closer than this, cuts excepted."""
    checks_per_s: Annotated[float, Meta(ge=1, le=60)] = 10.0
    """Frames looked at per second of video, whatever its frame rate."""
    max_side_px: Annotated[int, Meta(ge=64, le=4096)] = 960
    """Longer side of a kept keyframe, pixels."""


@dataclass(frozen=True)
class PerceptionConfig:
    """What is looked for in a keyframe. Each observer can be switched off."""

    text: bool = True
    """Read text."""
    codes: bool = True
    """Read QR and bar codes."""
    people: bool = True
    """Look for faces: how many at least."""
    color: bool = True
    """Name up to three colours."""
    light: bool = True
    """Say when it is dark, or when the light changes."""
    motion: bool = True
    """Say how the camera moves, and that something moves in view."""
    place: bool = True
    """Recognise a place seen before."""
    speech: bool = True
    """Hear that a voice is there."""
    text_interval_s: Annotated[float, Meta(ge=0, le=60)] = 0.5
    """At most one reading of text per this many seconds of video."""
    text_max_lines: Annotated[int, Meta(ge=1, le=64)] = 8
    """Lines recognised per reading, largest first."""
    text_min_score: Share = 0.75
    """A line below this confidence is not believed."""


@dataclass(frozen=True)
class GateConfig:
    """The remember gate."""

    gamma_threshold: Share = 0.3
    """Kept when the calibrated category score is above this."""


@dataclass(frozen=True)
class MomentConfig:
    """From kept keyframes to a moment."""

    buffer_size: Annotated[int, Meta(ge=1, le=32)] = 4
    """Keyframes per moment."""
    queue_size: Annotated[int, Meta(ge=1, le=64)] = 4
    """Short-term memory: the latest percepts, kept in RAM."""
    pool_size: Annotated[int, Meta(ge=2, le=16)] = 8
    """Patch vectors are pooled to pool_size x pool_size."""
    quiet_s: Annotated[float, Meta(gt=0, le=600)] = 4.0
    """A moment ends when no kept keyframe follows within this many seconds."""


@dataclass(frozen=True)
class MemoryConfig:
    """The memory graph: recall and budgets."""

    top_k: Annotated[int, Meta(ge=1, le=20)] = 5
    """Memories that a search returns, and that an answer rests on at most."""
    delta_dfs_threshold: Share = 0.3
    """A memory reached over the graph counts when its relevance is at least this."""
    graph_depth: Annotated[int, Meta(ge=0, le=4)] = 1
    """How many entity hops the evidence around a hit may take."""
    rho: Share = 0.9
    """Two entities of a category are one when their labels' cosine is at least this."""
    ram_budget_mb: Annotated[float, Meta(ge=0)] = 512.0
    """Graph and vectors held in RAM; 0 is no limit. Over it, token vectors of what is coldest stay on disk alone; \
some 1.3 kB a memory are needed to find it and stay."""
    disk_budget_mb: Annotated[float, Meta(ge=0)] = 0.0
    """Size of the store on disk; 0 is no limit. Over it, memories are reduced, finest part first."""
    reduction: Literal["nsbg", "gsbn"] = "gsbn"
    """Order of reduction: node scan by granularity or granularity scan by node."""
    thumbnails: bool = True
    """Keep a small picture of each moment."""


@dataclass(frozen=True)
class ProactiveConfig:
    """Speaking up unasked."""

    enabled: bool = True
    """Speak up unasked."""
    per_hour: Annotated[int, Meta(ge=0, le=3600)] = 12
    """At most this many words an hour; health and safety are exempt."""
    cooldown_s: Annotated[float, Meta(ge=0)] = 1800.0
    """The same topic is not raised again within this many seconds."""
    quiet_from: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^$")] = ""
    """Local time HH:MM from which only health and safety is said; empty is never."""
    quiet_until: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^$")] = ""
    """Local time HH:MM at which quiet hours end."""
    min_confidence: Share = 0.5
    """Below this a proactive word is not said."""
    dismissed_s: Annotated[float, Meta(ge=0)] = 86400.0
    """What the owner dismissed is not raised again within this many seconds; health and safety rests for cooldown_s."""


@dataclass(frozen=True)
class DeliveryConfig:
    """Where words said unasked go besides the page and the terminal."""

    notify: bool = False
    """Show them as desktop notifications (notify-send, osascript or PowerShell)."""
    speak: bool = False
    """Say them with the system's voice (espeak-ng, espeak, spd-say, say or PowerShell)."""
    webhook: str = ""
    """Post them as JSON to this https address (http to this machine alone); empty is nowhere. An address that holds a \
secret is better given as PERSTREAM_DELIVERY_WEBHOOK."""
    webhook_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """Give up one attempt to reach the webhook after this many seconds."""
    webhook_retries: Annotated[int, Meta(ge=0, le=5)] = 2
    """Repeats of an attempt that failed for a passing reason."""


@dataclass(frozen=True)
class BackendConfig:
    """The brain."""

    name: str = "auto"
    """``auto``, ``builtin`` or the name of an installed backend."""
    model_path: str = ""
    """Model folder or hub id for backends that load one."""
    projection_path: str = ""
    """Trained projection from vision to text vectors, for backends that need one."""
    embedder_path: str = ""
    """Folder of the built text embedder; empty is where ``perstream setup`` puts it."""
    answer_threshold: Share = 0.35
    """Below this confidence the answer is "I have no memory of that"."""
    max_new_tokens: Annotated[int, Meta(ge=1, le=8192)] = 200
    """Longest answer, for backends that generate."""
    temperature_passive: Annotated[float, Meta(ge=0, le=2)] = 1.0
    """Sampling temperature of answers, for backends that sample."""
    temperature_proactive: Annotated[float, Meta(ge=0, le=2)] = 0.0
    """Sampling temperature of proactive words; 0 is greedy."""
    vision: str = ""
    """Backend that encodes pictures, when it is not ``name``."""
    captions: str = ""
    """Backend that captions moments and extracts triplets, when it is not ``name``."""
    answers: str = ""
    """Backend that answers and speaks up, when it is not ``name``."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``balanced`` to spread a model over all GPUs."""
    dtype: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Numbers of a model in this process; auto is bf16 on a GPU that has it, else fp32."""
    load_in: Literal["", "4bit", "8bit"] = ""
    """Quantize the weights while loading (bitsandbytes)."""
    adapters: tuple[str, ...] = ()
    """LoRA adapters to load, each NAME=PATH; the first one is used."""
    base_url: str = ""
    """OpenAI-compatible server, for example http://127.0.0.1:8000/v1; empty is OPENAI_BASE_URL."""
    served_model: str = ""
    """Name of the model on that server; empty is OPENAI_MODEL, or the only one that it lists."""
    pictures: Literal["auto", "always", "never"] = "auto"
    """Send pictures to that server: auto is when its model takes them."""
    sound: Literal["auto", "always", "never"] = "auto"
    """Send the sound of moments to that server: auto is when its model is known to hear."""
    request_timeout_s: Annotated[float, Meta(gt=0, le=600)] = 60.0
    """Give up a call to that server after this many seconds without a token."""
    request_retries: Annotated[int, Meta(ge=0, le=10)] = 2
    """Repeats of a call that failed for a passing reason."""
    calls_per_hour: Annotated[int, Meta(ge=0)] = 1200
    """Most calls to that server in an hour; 0 is no limit."""
    tokens_per_hour: Annotated[int, Meta(ge=0)] = 0
    """Most tokens in and out in an hour; 0 is no limit."""
    allow_http: bool = False
    """Let a server on another machine be reached by http://: what is sent, and the key, can be read on the way."""


@dataclass(frozen=True)
class ServerConfig:
    """The daemon's HTTP API."""

    host: str = "127.0.0.1"
    """Address to serve on; other than loopback only with allow_remote."""
    allow_remote: bool = False
    """Let ``host`` be an address that other machines can reach, without TLS: for behind a TLS proxy; see ``lan``."""
    names: tuple[str, ...] = ()
    """Host names, without a port, that it answers to besides its own: that of its container, of the TLS proxy before it."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8765
    """0 takes any free port."""
    lan: bool = False
    """Serve all IPv4 addresses too, over TLS only, for paired devices; see docs/API.md."""
    lan_port: Annotated[int, Meta(ge=0, le=65535)] = 8766
    """Port of ``lan``; 0 takes any free port."""
    max_body_kb: Annotated[int, Meta(ge=1)] = 256
    """Largest request, kB."""
    max_question_chars: Annotated[int, Meta(ge=1)] = 4000
    """Longest question, characters."""
    requests_per_s: Annotated[float, Meta(gt=0)] = 200.0
    """Most requests a second of one token, over ten seconds; more are told when to come back."""
    questions_at_once: Annotated[int, Meta(ge=1)] = 64
    """Most questions in hand at once; more are told to come back."""
    streams_at_once: Annotated[int, Meta(ge=1)] = 32
    """Most event streams and live views open at once."""


@dataclass(frozen=True)
class Config:
    """The whole tree."""

    store: str = ""
    """Folder of the memory store; empty is the user's data folder."""
    profile: Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9_-]{0,31})?$")] = ""
    """Whose memory: each profile has a store and tokens of its own; empty is the first person's."""
    owner: str = ""
    """The owner's name, so that questions and transcripts that use it mean the owner."""
    source: SourceConfig = field(default_factory=SourceConfig)
    keyframes: KeyframeConfig = field(default_factory=KeyframeConfig)
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    moment: MomentConfig = field(default_factory=MomentConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    proactive: ProactiveConfig = field(default_factory=ProactiveConfig)
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    backend: BackendConfig = field(default_factory=BackendConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)
    encryption: EncryptionConfig = field(default_factory=EncryptionConfig)
    backup: BackupConfig = field(default_factory=BackupConfig)
    alerts: AlertConfig = field(default_factory=AlertConfig)
    watchdog: WatchdogConfig = field(default_factory=WatchdogConfig)
    log: LogConfig = field(default_factory=LogConfig)
