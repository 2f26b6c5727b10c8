"""The image, built in the account where nobody has Docker at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiro.adapters.aws import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_codebuild.client import CodeBuildClient


class CodeBuildProject:
    def __init__(self, client: CodeBuildClient, project: str) -> None:
        self._client, self._project = client, project

    def start(self) -> str:
        """Begin to build what the project was given; return the build's id. Raises ServiceUnavailable."""
        with aws_errors():
            return self._client.start_build(projectName=self._project)["build"]["id"]
