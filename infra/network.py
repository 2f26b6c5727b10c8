"""Where the workers are: machines that nobody reaches, and tasks on them that reach nothing but three services.

A machine has to fetch images, write logs and hear from ECS: by a public address of its own, outwards only, which costs
nothing while there is no machine. A task has a network interface of its own, in a subnet from which no route leads out:
S3 and DynamoDB by gateway endpoints, which are free, and SQS by an interface endpoint (docs/decisions/0012-network.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

ENDPOINT_ZONES = 2
"""Of the SQS endpoint, which costs by the zone and hour. The other zones reach it too, and one may fail."""

HTTPS = ec2.Port.tcp(443)


class Network(Construct):
    """A VPC with `zones` availability zones. `isolated`: tasks have subnets without a way out; else the machines'."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        zones: int,
        isolated: bool,
        log_retention: str,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        public = ec2.SubnetConfiguration(name="Machines", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=20)
        private = ec2.SubnetConfiguration(name="Tasks", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            availability_zones=[Fn.select(zone, Fn.get_azs()) for zone in range(zones)],
            nat_gateways=0,
            subnet_configuration=[public, private] if isolated else [public],
            restrict_default_security_group=False,  # a custom resource; nothing is in that group
            flow_logs={"Refused": self._refused(log_retention)},
        )
        self.machines = self.vpc.public_subnets
        self.tasks = self.vpc.isolated_subnets if isolated else self.vpc.public_subnets
        self.machine_group = self._group("MachineGroup", "Machines of Tiro: no way in, HTTPS out")
        self.task_group = self._group("TaskGroup", "Workers of Tiro: no way in, HTTPS out, as far as routes lead")
        self._isolated = isolated

    def open_to(self, *, buckets: Sequence[str], table: str, queues: Sequence[str]) -> None:
        """Let tasks reach these ARNs' services, and there nothing but them."""
        s3 = self._gateway("S3", ec2.GatewayVpcEndpointAwsService.S3)
        s3.add_to_policy(_only(["s3:*"], [arn for bucket in buckets for arn in (bucket, f"{bucket}/*")]))
        dynamodb = self._gateway("DynamoDB", ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        dynamodb.add_to_policy(_only(["dynamodb:*"], [table, f"{table}/index/*"]))
        if self._isolated:
            self._reach_sqs().add_to_policy(_only(["sqs:*"], list(queues)))

    def _gateway(self, name: str, service: ec2.IGatewayVpcEndpointService) -> ec2.GatewayVpcEndpoint:
        """For tasks alone: a machine fetches its image's layers from buckets of AWS's own."""
        return self.vpc.add_gateway_endpoint(name, service=service, subnets=[ec2.SubnetSelection(subnets=self.tasks)])

    def _reach_sqs(self) -> ec2.InterfaceVpcEndpoint:
        group = ec2.SecurityGroup(self, "SqsGroup", vpc=self.vpc, description="SQS endpoint", allow_all_outbound=False)
        group.add_ingress_rule(self.task_group, HTTPS, "Workers")
        return self.vpc.add_interface_endpoint(
            "Sqs",
            service=ec2.InterfaceVpcEndpointAwsService.SQS,
            subnets=ec2.SubnetSelection(subnets=self.tasks[:ENDPOINT_ZONES]),
            security_groups=[group],
            open=False,
        )

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, name, vpc=self.vpc, description=description, allow_all_outbound=False)
        group.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS")
        return group

    def _refused(self, log_retention: str) -> ec2.FlowLogOptions:
        """Write down what was refused: it is little, and never wanted."""
        log = logs.LogGroup(
            self,
            "RefusedLog",
            encryption_key=self._key,
            retention=logs.RetentionDays[log_retention],
            removal_policy=RemovalPolicy.DESTROY,
        )
        return ec2.FlowLogOptions(
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(log), traffic_type=ec2.FlowLogTrafficType.REJECT
        )


def _only(actions: list[str], arns: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(principals=[iam.AnyPrincipal()], actions=actions, resources=arns)
