"""What hears: a task definition, and where its machines come from. Nothing runs until the dispatcher asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import CfnElement, Duration, RemovalPolicy, Size, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.grants import Grantee
from infra.nag import acknowledge
from infra.network import Network

CONTAINER = "worker"

USER = "10001:10001"
"""As the Dockerfile makes it: nobody, and in no group of the machine's."""

SCRATCH = "/scratch"
"""The one place where a worker may write; gone with the task."""

STOP_SECONDS = 120
"""ECS's longest, and what Spot gives: to note how far a job is, and to give it back."""

SMALLEST = Size.gibibytes(15)
"""A machine of 16 GiB, as EC2 counts."""

IMAGE_DISK = Size.gibibytes(60)
"""For an image with CUDA's libraries, packed and unpacked."""

IDLE_SECONDS = 60
"""A machine without a task is given back after so long: the worker on it lingered already."""


@dataclass(frozen=True, kw_only=True)
class FleetOptions:
    gpu: bool  # machines with NVIDIA GPUs; else Fargate, without any machine of one's own
    instance_types: Sequence[str]  # patterns, of machines with one GPU
    cpu: int  # 1024 a core
    memory: int  # MiB
    log_retention: str  # a name in aws_logs.RetentionDays
    key: kms.IKey | None  # what its log is encrypted by, and all that it works on; None: AWS's own


class Fleet(Grantee):
    """A cluster, its two markets, and the task that is a worker. `role` is the worker's own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        image: ecs.ContainerImage,
        environment: Mapping[str, str],
        options: FleetOptions,
    ) -> None:
        super().__init__(scope, construct_id)
        self._network, self._options, self.key = network, options, options.key
        self.cluster = ecs.Cluster(
            self, "Cluster", vpc=network.vpc, container_insights_v2=ecs.ContainerInsights.DISABLED
        )
        acknowledge(self.cluster, "ECS4", "Workers tell their own metrics, which cost less than a task's and say more.")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        self.spot, self.on_demand = self._rent() if options.gpu else self._use_fargate()
        self.task = self._make_task()
        self._add_worker(image, environment)

    # ------------------------------------------------------------ where machines come from

    def _rent(self) -> tuple[str, str]:
        return (
            self._provider("Spot", ecs.CapacityOptionType.SPOT),
            self._provider("OnDemand", ecs.CapacityOptionType.ON_DEMAND),
        )

    def _provider(self, name: str, option: ecs.CapacityOptionType) -> str:
        """Machines are asked for by what they must have: the cheapest kind that is there comes."""
        provider = ecs.ManagedInstancesCapacityProvider(
            self,
            name,
            capacity_option_type=option,
            subnets=self._network.machines,
            security_groups=[self._network.machine_group],
            instance_requirements=ec2.InstanceRequirementsConfig(
                v_cpu_count_min=4,
                memory_min=SMALLEST,
                accelerator_count_min=1,
                accelerator_count_max=1,
                accelerator_manufacturers=[ec2.AcceleratorManufacturer.NVIDIA],
                accelerator_types=[ec2.AcceleratorType.GPU],
                allowed_instance_types=list(self._options.instance_types),
            ),
            task_volume_storage=IMAGE_DISK,
            propagate_tags=ecs.PropagateManagedInstancesTags.CAPACITY_PROVIDER,
        )
        self.cluster.add_managed_instances_capacity_provider(provider)
        resource = cast(ecs.CfnCapacityProvider, provider.node.find_child(name))
        resource.add_property_override("ManagedInstancesProvider.InfrastructureOptimization.ScaleInAfter", IDLE_SECONDS)
        Tags.of(provider).add("tiro:part", "worker")
        self._acknowledge_provider(provider)
        return provider.capacity_provider_name

    def _acknowledge_provider(self, provider: ecs.ManagedInstancesCapacityProvider) -> None:
        policy = "AmazonECSInfrastructureRolePolicyForManagedInstances"
        acknowledge(
            provider,
            f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]",
            "ECS rents machines by this role; AWS keeps the policy for just that, and bounds it by ECS's own tag.",
        )
        for resource in ("*", "arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:container-instance/*"):
            acknowledge(
                provider,
                f"IAM5[Resource::{resource}]",
                "The agent's own calls, made before its machine has a name that could be granted.",
            )

    def _use_fargate(self) -> tuple[str, str]:
        self.cluster.enable_fargate_capacity_providers()
        return "FARGATE_SPOT", "FARGATE"

    # ------------------------------------------------------------ what a worker is

    def _make_task(self) -> ecs.TaskDefinition:
        options = self._options
        task = ecs.TaskDefinition(
            self,
            "Task",
            compatibility=ecs.Compatibility.MANAGED_INSTANCES if options.gpu else ecs.Compatibility.FARGATE,
            network_mode=ecs.NetworkMode.AWS_VPC,
            cpu=str(options.cpu),
            memory_mib=str(options.memory),
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            task_role=self.role,
            volumes=[ecs.Volume(name="scratch")],
        )
        acknowledge(task, "ECS2", "The environment holds names and numbers; there is no secret in it.")
        acknowledge(task.obtain_execution_role(), "IAM5[Resource::*]", "A registry's login token has no resource.")
        return task

    def _add_worker(self, image: ecs.ContainerImage, environment: Mapping[str, str]) -> None:
        log = logs.LogGroup(
            self,
            "Log",
            encryption_key=self.key,
            retention=logs.RetentionDays[self._options.log_retention],
            removal_policy=RemovalPolicy.DESTROY,
        )
        linux = ecs.LinuxParameters(self, "Linux", init_process_enabled=True)  # reaps decoders that died
        linux.drop_capabilities(ecs.Capability.ALL)
        worker = self.task.add_container(
            CONTAINER,
            image=image,
            environment={**environment, "TMPDIR": SCRATCH, "HOME": SCRATCH},
            essential=True,
            memory_limit_mib=self._options.memory,
            gpu_count=1 if self._options.gpu else None,
            user=USER,
            privileged=False,
            readonly_root_filesystem=True,
            linux_parameters=linux,
            stop_timeout=Duration.seconds(STOP_SECONDS),
            health_check=ecs.HealthCheck(
                command=["CMD", "python", "-m", "container.health"],
                interval=Duration.seconds(60),
                timeout=Duration.seconds(20),
                retries=3,
                start_period=Duration.seconds(300),  # the model is loaded
            ),
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix="worker",
                log_group=log,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,  # a log that cannot be written keeps no job waiting
                max_buffer_size=Size.mebibytes(4),
            ),
        )
        worker.add_mount_points(ecs.MountPoint(container_path=SCRATCH, source_volume="scratch", read_only=False))

    @property
    def resources(self) -> list[CfnElement]:
        """What a worker that still runs would keep from being deleted."""
        return [child for child in self.node.find_all() if isinstance(child, ecs.CfnCapacityProvider | ecs.CfnCluster)]
