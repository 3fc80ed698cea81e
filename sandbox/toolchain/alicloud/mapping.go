package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
)

// name is the Pulumi name of a Terraform resource or data source: its module and its member.
type name struct{ module, member string }

// resources maps each Terraform resource in use to the token that the published SDK gives it. Tokens are part of
// every stack's state, so a wrong one here would make a stack unreadable for the published plugin.
var resources = map[string]name{
	"alicloud_vpc":              {"vpc", "Network"},
	"alicloud_vswitch":          {"vpc", "Switch"},
	"alicloud_havip":            {"vpc", "HAVip"},
	"alicloud_vpc_ha_vip":       {"vpc", "HaVipv2"},
	"alicloud_havip_attachment": {"vpc", "HAVipAttachment"},
	"alicloud_nat_gateway":      {"vpc", "NatGateway"},
	"alicloud_snat_entry":       {"vpc", "SnatEntry"},
	"alicloud_forward_entry":    {"vpc", "ForwardEntry"},

	"alicloud_instance":                         {"ecs", "Instance"},
	"alicloud_security_group":                   {"ecs", "SecurityGroup"},
	"alicloud_security_group_rule":              {"ecs", "SecurityGroupRule"},
	"alicloud_ecs_key_pair":                     {"ecs", "EcsKeyPair"},
	"alicloud_ecs_key_pair_attachment":          {"ecs", "EcsKeyPairAttachment"},
	"alicloud_ecs_network_interface":            {"ecs", "EcsNetworkInterface"},
	"alicloud_ecs_network_interface_attachment": {"ecs", "EcsNetworkInterfaceAttachment"},
	"alicloud_eip_address":                      {"ecs", "EipAddress"},
	"alicloud_eip_association":                  {"ecs", "EipAssociation"},
}

// dataSources is the same for what a program looks up.
var dataSources = map[string]name{
	"alicloud_zones":           {"index", "getZones"},
	"alicloud_vpcs":            {"vpc", "getNetworks"},
	"alicloud_vswitches":       {"vpc", "getSwitches"},
	"alicloud_havips":          {"vpc", "getHavips"},
	"alicloud_images":          {"ecs", "getImages"},
	"alicloud_instance_types":  {"ecs", "getInstanceTypes"},
	"alicloud_instances":       {"ecs", "getInstances"},
	"alicloud_security_groups": {"ecs", "getSecurityGroups"},
	"alicloud_ecs_key_pairs":   {"ecs", "getEcsKeyPairs"},
	"alicloud_eip_addresses":   {"ecs", "getEipAddresses"},
}

func resourceInfos() map[string]*tfbridge.ResourceInfo {
	infos := make(map[string]*tfbridge.ResourceInfo, len(resources))
	for terraform, pulumi := range resources {
		infos[terraform] = &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource(packageName, pulumi.module, pulumi.member)}
	}
	// One object in the SDK, though this version of the provider takes a list.
	infos["alicloud_instance"].Fields = map[string]*tfbridge.SchemaInfo{
		"network_interfaces": {MaxItemsOne: tfbridge.True()},
	}
	return infos
}

func dataSourceInfos() map[string]*tfbridge.DataSourceInfo {
	infos := make(map[string]*tfbridge.DataSourceInfo, len(dataSources))
	for terraform, pulumi := range dataSources {
		infos[terraform] = &tfbridge.DataSourceInfo{Tok: tfbridge.MakeDataSource(packageName, pulumi.module, pulumi.member)}
	}
	return infos
}
