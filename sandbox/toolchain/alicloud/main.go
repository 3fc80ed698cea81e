package main

import (
	_ "github.com/aliyun/terraform-provider-alicloud/alicloud"
	_ "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	_ "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	_ "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v1"
	_ "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

func main() {}
