"""The worker's image: built where `cdk deploy` runs, or in the account by CodeBuild, or taken from a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from infra.nag import acknowledge

DOCKERFILE = "container/Dockerfile"

IMAGES_KEPT = 10
"""Of those that CodeBuild made: enough to go back to."""

BUILD_MINUTES = 60


@dataclass(frozen=True)
class Build:
    """A CodeBuild project that makes the image, and the tag that it gives it."""

    project: codebuild.Project
    tag: str


class WorkerImage(Construct):
    """`image` to run, and the `build` that must make it first, where it is CodeBuild that makes it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        root: Path,
        source: str,  # docker, codebuild, or a registry's address
        arguments: Mapping[str, str],  # of the Dockerfile
        log_retention: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.build: Build | None = None
        match source:
            case "docker":
                self.image: ecs.ContainerImage = ecs.ContainerImage.from_asset(
                    str(root),
                    file=DOCKERFILE,
                    platform=ecr_assets.Platform.LINUX_AMD64,
                    build_args=dict(arguments),
                    ignore_mode=IgnoreMode.DOCKER,
                )
            case "codebuild":
                self.image, self.build = self._build_in_account(root, arguments, log_retention)
            case _:
                self.image = ecs.ContainerImage.from_registry(source)

    def _build_in_account(
        self, root: Path, arguments: Mapping[str, str], log_retention: str
    ) -> tuple[ecs.ContainerImage, Build]:
        tree = s3_assets.Asset(
            self,
            "Source",
            path=str(root),
            exclude=(root / ".dockerignore").read_text().splitlines(),
            ignore_mode=IgnoreMode.DOCKER,
        )
        repository = ecr.Repository(
            self,
            "Repository",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.AES_256,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=IMAGES_KEPT)],
            removal_policy=RemovalPolicy.DESTROY,
            empty_on_delete=True,
        )
        project = codebuild.Project(
            self,
            "Project",
            description="Tiro: the worker's image",
            source=codebuild.Source.s3(bucket=tree.bucket, path=tree.s3_object_key),
            environment=codebuild.BuildEnvironment(
                build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
                compute_type=codebuild.ComputeType.LARGE,  # whose disk holds CUDA's libraries twice
                privileged=True,  # Docker in Docker wants it
            ),
            build_spec=codebuild.BuildSpec.from_object(_steps(repository.repository_uri, tree.asset_hash, arguments)),
            timeout=Duration.minutes(BUILD_MINUTES),
            logging=codebuild.LoggingOptions(
                cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=self._log(log_retention))
            ),
        )
        tree.grant_read(project)
        repository.grant_pull_push(project)
        acknowledge(project, "CB3", "An image is built by Docker in Docker. What is built is this repository alone.")
        acknowledge(project, "CB4", "It leaves nothing behind but the image, which ECR encrypts.")
        return ecs.ContainerImage.from_ecr_repository(repository, tree.asset_hash), Build(project, tree.asset_hash)

    def _log(self, retention: str) -> logs.LogGroup:
        return logs.LogGroup(self, "Log", retention=logs.RetentionDays[retention], removal_policy=RemovalPolicy.DESTROY)


def _steps(repository: str, tag: str, arguments: Mapping[str, str]) -> dict[str, object]:
    given = " ".join(f"--build-arg {name}={value}" for name, value in arguments.items())
    registry = "${REPOSITORY%%/*}"
    return {
        "version": "0.2",
        "env": {"variables": {"REPOSITORY": repository, "TAG": tag}},
        "phases": {
            "pre_build": {
                "commands": [
                    f'aws ecr get-login-password | docker login --username AWS --password-stdin "{registry}"',
                ]
            },
            "build": {
                "commands": [
                    f'docker build --platform linux/amd64 -f {DOCKERFILE} {given} -t "$REPOSITORY:$TAG" .',
                    'docker push "$REPOSITORY:$TAG"',
                ]
            },
        },
    }
