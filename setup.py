"""What pyproject.toml cannot say: build from an empty folder."""

import shutil

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildFromNothing(build_py):
    """setuptools keeps build/lib between builds, and would ship a folder that the tree has deleted."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(cmdclass={"build_py": BuildFromNothing})
