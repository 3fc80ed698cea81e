package main

import (
	"fmt"

	"github.com/aliyun/terraform-provider-alicloud/alicloud"
	"github.com/hashicorp/terraform-plugin-sdk/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv1 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v1"
)

const packageName = "alicloud"

// providerInfo bridges the real Terraform provider, cut down to the resources and data sources in use: the names,
// defaults and types that a program sees are the published plugin's.
func providerInfo(version string) (tfbridge.ProviderInfo, error) {
	terraform, ok := alicloud.Provider().(*schema.Provider)
	if !ok {
		return tfbridge.ProviderInfo{}, fmt.Errorf("the alicloud provider is a %T, expected *schema.Provider", terraform)
	}
	if err := keep(terraform.ResourcesMap, resources); err != nil {
		return tfbridge.ProviderInfo{}, err
	}
	if err := keep(terraform.DataSourcesMap, dataSources); err != nil {
		return tfbridge.ProviderInfo{}, err
	}
	info := tfbridge.ProviderInfo{
		P:           shimv1.NewProvider(terraform),
		Name:        packageName,
		DisplayName: "Alibaba Cloud",
		Version:     version,
		Config: map[string]*tfbridge.SchemaInfo{
			"ecs_role_name": defaultFromEnvironment("ALICLOUD_ECS_ROLE_NAME"),
			"profile":       defaultFromEnvironment("ALICLOUD_PROFILE"),
			"region":        defaultFromEnvironment("ALICLOUD_REGION"),
		},
		Resources:   resourceInfos(),
		DataSources: dataSourceInfos(),
	}
	// 255 characters and a dash, as published: a program that gives no name gets "logical-1a2b3c4".
	info.SetAutonaming(255, "-")
	return info, nil
}

// keep removes all of all but the wanted entries; one that is wanted and absent is an error, since a renamed
// resource would otherwise vanish from the plugin unnoticed.
func keep(all map[string]*schema.Resource, wanted map[string]name) error {
	for terraform := range wanted {
		if _, ok := all[terraform]; !ok {
			return fmt.Errorf("the alicloud provider has no %q: remove it from mapping.go", terraform)
		}
	}
	for terraform := range all {
		if _, ok := wanted[terraform]; !ok {
			delete(all, terraform)
		}
	}
	return nil
}

func defaultFromEnvironment(variable string) *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{Default: &tfbridge.DefaultInfo{EnvVars: []string{variable}}}
}
