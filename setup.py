"""What is installed; pyproject.toml says what it needs; Beam workers build it."""

from setuptools import find_packages, setup

setup(
    # By name, never everything: a top-level `tests` would land in site-packages.
    packages=find_packages(
        include=[
            "pipeline",
            "pipeline.*",
            "trainer",
            "trainer.*",
            "models",
            "models.*",
            "transform",
            "transform.*",
        ]
    ),
    package_data={
        "transform": ["*.pbtxt", "*.pb"],
        "pipeline.notifications": ["templates/*"],
        "pipeline.reports": ["templates/*"],
    },
)
