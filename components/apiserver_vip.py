"""``ApiServerVip``: a HaVip, the balancers attached to it, and what makes them answer on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pulumi
from pulumi_alicloud import vpc
from pulumi_command import local

from components import adoption, awaited, eip, inputs, masters_output, questions, ssh, tokens
from components.args import ApiServerVipArgs, BalancerArgs
from components.balancer_host import BalancerHost, HostInputs
from components.enums import Verify
from components.host_keys import HostKeys
from components.masters_output import MasterOutput
from components.planning.plan import Plan
from components.planning.settings import Packages
from components.preflight import reach
from components.removal import Leaver, hand_back, handover, removal
from components.rendering import render
from components.rules import claims, shapes, texts
from components.rules.judge import judge_instances, judge_known, judge_password, judged
from components.verification import Verification

USUAL_BALANCERS = 2
"""What every account may attach to a HaVip; the documented limit is ten."""


class ApiServerVip(pulumi.ComponentResource):
    """A highly available endpoint of a Kubernetes control plane on Alibaba Cloud.

    All rules broken by the arguments come as one ``pulumi.RunError``: for what is known at preview
    before anything is registered, for the rest before any host is touched. No output depends on who
    holds the VIP, so a failover makes no diff. What takes ``vip``, ``control_plane_endpoint`` or
    ``endpoint`` is made once every balancer takes part, and deleted before one leaves.

    Hosts know the endpoint by its name alone, whatever stack it is in: one that serves another name is refused, one
    that serves the same name is taken for this endpoint's own. Where two stacks could name the same host, let their
    names differ (f"api-{pulumi.get_stack()}").
    """

    vip: pulumi.Output[str]
    """The virtual IP."""
    control_plane_endpoint: pulumi.Output[str]
    """``VIP:port``, for kubeadm's ``controlPlaneEndpoint``."""
    endpoint: pulumi.Output[str]
    """https URL through the EIP if there is one, else through the VIP."""
    ha_vip_id: pulumi.Output[str]
    """Id of the HaVip."""
    eip: pulumi.Output[str]
    """The public address, or an empty text."""
    budget: pulumi.Output[dict[str, int]]
    """Worst-case outage for each fault in milliseconds; -1: not noticed at all."""
    masters: pulumi.Output[list[MasterOutput]]
    """Every host of the endpoint, once: what the drill needs to know of them."""

    def __init__(self, name: str, args: ApiServerVipArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Add the endpoint `name`; ``pulumi.RunError`` names every rule that `args` breaks."""
        self._draft = judge_known(name, args)
        args = shapes.given(args)
        reach.check_agent(name, cast(Mapping[str, object], args))
        run = claims.of_this_run()
        claims.take(run, name, args, self._draft.router_id)
        namesake = claims.namesake(run, args, self._draft.router_id)
        super().__init__(tokens.APISERVER_VIP, name, {}, opts)
        self._name, self._args = name, awaited.logins(name, args)
        self._formerly = _former_names(opts)
        self._warn(namesake)
        self._plan = self._planned()
        checked = self._checked()
        keys = HostKeys(
            name,
            self._args,
            after=checked.apply(lambda _: cast(list[pulumi.Resource], [])),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._args = keys.pinned()
        havip, attachments = self._havip()
        self.ha_vip_id = havip.id
        given = args.get("vip")
        self._address = pulumi.Output.from_input(given) if given else havip.ip_address
        gate = checked.apply(lambda _: cast(list[pulumi.Resource], [havip]))
        self._handovers: list[pulumi.Resource] = []
        hosts = self._hosts(gate, attachments)
        joined = self._joined(hosts)
        # Where the VIP changes, the EIP leads to the old one until every balancer has the new one.
        self.eip = self._eip(havip, [*attachments, *joined])
        ready = self._ready([*joined, *self._handovers])
        self.vip = inputs.once(ready, self._address)
        port = self._plan.apply(lambda plan: plan.settings.port)
        self.control_plane_endpoint = pulumi.Output.concat(self.vip, ":", port.apply(str))
        self.endpoint = pulumi.Output.all(self.eip, self.vip, port).apply(
            lambda all_: f"https://{all_[0] or all_[1]}:{all_[2]}"
        )
        self.budget = self._plan.apply(lambda plan: plan.budget)
        self.masters = masters_output.described(self._args, self._plan)
        agreed = self._verify(hosts, joined, attachments)
        outputs = self._outputs()
        if agreed is not None and not pulumi.runtime.is_dry_run():
            # A plugin's process waits for what is registered and for nothing else. Who has the VIP is not in it.
            outputs["budget"] = pulumi.Output.all(self.budget, agreed).apply(lambda all_: all_[0])
        self.register_outputs(outputs)

    @staticmethod
    def check(name: str, args: Mapping[str, object]) -> None:
        """Check arguments before anything is registered, in a stack that also creates what they refer to.

        Ids of cloud resources may be missing. Raises ``pulumi.RunError`` naming every rule broken.
        """
        judge_known(name, args, whole=False)
        reach.check_agent(name, shapes.given(args))

    def export(self, prefix: str = "") -> None:
        """Export every output, of several endpoints each with a prefix: what ``drill --outputs PREFIX`` reads."""
        for key, output in self._outputs().items():
            pulumi.export(f"{prefix}{key}", output)

    def _outputs(self) -> dict[str, pulumi.Output[object]]:
        return {
            "vip": self.vip,
            "control_plane_endpoint": self.control_plane_endpoint,
            "endpoint": self.endpoint,
            "ha_vip_id": self.ha_vip_id,
            "eip": self.eip,
            "budget": self.budget,
            "masters": self.masters,
        }

    def _warn(self, namesake: str) -> None:
        """Say what works and may still be a mistake; `namesake` is the first endpoint with this router id."""
        if len(self._draft.balancers) > USUAL_BALANCERS:
            pulumi.log.warn(
                f"{self._name}: {len(self._draft.balancers)} balancers; some accounts attach no more than "
                f"{USUAL_BALANCERS} instances to a HaVip (quota of the VPC console), and the attachment then fails",
                self,
            )
        if namesake != self._name:
            pulumi.log.warn(
                f"{self._name}: its VRRP router id {self._draft.router_id} is that of {namesake} in the same "
                "vSwitch; peers are told apart by address, but set keepalived.virtual_router_id to tell logs apart",
                self,
            )

    def _planned(self) -> pulumi.Output[Plan]:
        """Return the plan, known as early as can be: a VIP that is an Output is not in it."""
        raw = inputs.renderable(self._args)
        if isinstance(raw.get("vip"), pulumi.Output):
            del raw["vip"]
        return pulumi.Output.from_input(raw).apply(
            # The program has put the hosts in order already, from what it knew of their priorities.
            lambda known: replace(
                judged(self._name, known),
                formerly=self._formerly,
                order=tuple(balancer.name for balancer in self._draft.rollout),
            )
        )

    def _checked(self) -> pulumi.Output[Plan]:
        """Return the plan with the VIP given: what no host is touched without."""
        raw = pulumi.Output.from_input(inputs.renderable(self._args))
        checked = raw.apply(lambda known: judged(self._name, known))
        if pulumi.runtime.is_dry_run():
            return checked
        ids = pulumi.Output.all(*(balancer["instance_id"] for balancer in self._args["balancers"]))
        late: list[pulumi.Output[Any]] = [ids.apply(lambda known: judge_instances(self._name, known))]
        if (password := self._auth_pass()) is not None:
            late.append(password)
        # That they are judged is no secret, or every step would be one.
        fit = [pulumi.Output.unsecret(one.apply(lambda _: True)) for one in late]
        return pulumi.Output.all(checked, *fit).apply(lambda all_: all_[0])

    def _havip(self) -> tuple[vpc.HaVipv2, list[vpc.HAVipAttachment]]:
        havip = vpc.HaVipv2(
            f"{self._name}-havip",
            vswitch_id=self._args["vswitch_id"],
            ip_address=self._args.get("vip"),
            ha_vip_name=self._name,
            description=f"kube-apiserver endpoint {self._name}",
            tags=self._args.get("tags"),
            opts=adoption.ha_vip(self._args, pulumi.ResourceOptions(parent=self)),
        )
        attachments = [
            vpc.HAVipAttachment(
                f"{self._name}-{balancer['name']}-attachment",
                ha_vip_id=havip.id,
                instance_id=balancer["instance_id"],
                # The holder of the VIP cannot be detached otherwise, and destroy would get stuck.
                force=True,
                opts=adoption.attachment(self._args, balancer, pulumi.ResourceOptions(parent=self)),
            )
            for balancer in self._args["balancers"]
        ]
        return havip, attachments

    def _eip(self, havip: vpc.HaVipv2, after: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
        args = self._args.get("eip")
        if args is None:
            return pulumi.Output.from_input("")
        return eip.associated(
            f"{self._name}-eip",
            args,
            address_name=self._name,
            instance_id=havip.id,
            instance_type="HaVip",
            tags=self._args.get("tags"),
            parent=self,
            depends_on=after,
        )

    def _hosts(
        self, gate: pulumi.Output[list[pulumi.Resource]], attachments: Sequence[pulumi.Resource]
    ) -> dict[str, BalancerHost]:
        """Every balancer, the planned holder last, each after the one before it."""
        by_name = {str(balancer["name"]): balancer for balancer in self._args["balancers"]}
        hosts: dict[str, BalancerHost] = {}
        previous: list[pulumi.Resource] = []
        removals: list[pulumi.Resource] = [*self._hand_back(by_name)]
        for planned in self._draft.rollout:
            after = [*attachments, *removals]
            removals.append(self._leaves(planned.name, by_name[planned.name], after))
            host = BalancerHost(
                tokens.host_name(self._name, planned.name),
                self._host_inputs(planned.name, by_name[planned.name]),
                checked=gate.apply(partial(_appended, removals[-1])),
                before_haproxy=previous,
                before_keepalived=attachments,
                opts=pulumi.ResourceOptions(parent=self),
            )
            hosts[planned.name] = host
            previous = [host.configured]
        return hosts

    def _joined(self, hosts: Mapping[str, BalancerHost]) -> list[pulumi.Resource]:
        """Every balancer takes part in VRRP, side by side: each listens until it is its turn.

        Not before all are configured: whoever its peers do not tell of the holder would be a second one.
        """
        configured = hosts[self._draft.lead.name].configured
        return [host.join([configured]) for host in hosts.values()]

    def _hand_back(self, hosts: Mapping[str, BalancerArgs]) -> list[pulumi.Resource]:
        """Add what starts the keepalived of every host again that ran before; nothing, if the VIP goes, too."""
        if self._args.get("adopt") is None:
            return []
        logins = {
            name: (ssh.merged(self._args.get("ssh"), host.get("ssh")), host["address"])
            for name, host in hosts.items()
        }
        return [hand_back(f"{self._name}-hand-back", logins, opts=pulumi.ResourceOptions(parent=self))]

    def _ready(self, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """Add what does nothing, is there once every balancer takes part, verified or not, and goes before any leaves.

        ``kubeadm init`` needs the VIP before there is anything that a strict verification would let pass.
        """
        # The steps themselves are replaced with their instance: whatever an output of theirs goes into could be, too.
        return local.Command(
            f"{self._name}-ready",
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _leaves(self, host: str, args: BalancerArgs, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """Add what acts when `host` leaves, before all that is in `after` goes; return what its steps depend on."""
        leaver = Leaver(
            host,
            ssh.merged(self._args.get("ssh"), args.get("ssh")),
            args["address"],
            instance_id=args["instance_id"],
            owners=[self._name, *self._formerly],
            stays_attached=adoption.keeps_attachment(self._args, args),
        )
        instance = args.get("instance")
        rid = removal(
            f"{self._name}-{host}-removal",
            leaver,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after), deleted_with=instance),
        )
        self._handovers.append(
            handover(
                f"{self._name}-{host}-handover",
                leaver,
                acts=instance is not None,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[*after, rid]),
            )
        )
        return rid

    def _host_inputs(self, host: str, args: BalancerArgs) -> HostInputs:
        packages = self._plan.apply(lambda plan: plan.settings.packages)
        both = pulumi.Output.all(self._plan, self._address)
        return HostInputs(
            balancer=host,
            address=args["address"],
            ssh=ssh.merged(self._args.get("ssh"), args.get("ssh")),
            instance_id=args["instance_id"],
            instance=args.get("instance"),
            packages=packages.apply(_wanted) if self._draft.settings.packages.install else None,
            haproxy=self._plan.apply(lambda plan: render.haproxy_bundle(plan, plan.balancer(host))),
            keepalived=both.apply(
                lambda all_: render.keepalived_bundle(all_[0], all_[0].balancer(host), all_[1])
            ),
            group=both.apply(lambda all_: render.vrrp_group(all_[0], all_[1])),
            auth_pass=self._auth_pass(),
            lead=host == self._draft.lead.name,
            names=[self._name, *self._formerly],
            take_over=self._args.get("take_over", False),
        )

    def _auth_pass(self) -> pulumi.Output[str] | None:
        keepalived = cast(Mapping[str, pulumi.Input[str]], self._args.get("keepalived") or {})
        if keepalived.get("auth_pass") is None:
            return None
        secret = pulumi.Output.secret(keepalived["auth_pass"])
        return secret.apply(lambda password: judge_password(self._name, password) + "\n")

    def _verify(
        self,
        hosts: Mapping[str, BalancerHost],
        joined: Sequence[pulumi.Resource],
        attachments: Sequence[pulumi.Resource],
    ) -> pulumi.Output[bool] | None:
        """Add the verification, if it is not off; what is returned fails if the cloud does not agree with it."""
        if self._draft.settings.verify is Verify.OFF:
            return None
        outside = self.endpoint if self._args.get("eip") is not None else ""
        return Verification(
            self._name,
            questions.about(self._name, self._args, self._plan, self._address, outside),
            self.ha_vip_id,
            balancers=[
                pulumi.Output.all(
                    name=balancer["name"], instance_id=balancer["instance_id"], attachment=attachment.urn
                )
                for balancer, attachment in zip(self._args["balancers"], attachments, strict=True)
            ],
            checks={name: host.checks for name, host in hosts.items()},
            after=joined,
            opts=pulumi.ResourceOptions(parent=self),
        ).agreed


def _former_names(opts: pulumi.ResourceOptions | None) -> tuple[str, ...]:
    """Return the names in the aliases of `opts`: whoever renames a component renames what is on its hosts."""
    aliases = (opts.aliases if opts else None) or []
    given = [alias.name if isinstance(alias, pulumi.Alias) else alias for alias in aliases]
    names = [name.rpartition("::")[2] for name in given if isinstance(name, str)]  # of a URN its last part
    return tuple(name for name in names if texts.NAME.fullmatch(name))


def _appended(more: pulumi.Resource, found: list[pulumi.Resource]) -> list[pulumi.Resource]:
    return [*found, more]


def _wanted(packages: Packages) -> str:
    """Return what the tool's stdin is: bound in seconds and names, or nothing."""
    return " ".join([str(packages.timeout_s), *packages.every_name]) if packages.install else ""
