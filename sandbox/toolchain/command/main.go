// Command pulumi-resource-command is the sandbox's stand-in for Pulumi's command plugin: the same
// resources, inputs, outputs and state, for machines where the official binary cannot be had.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"kube-apiserver-havip/toolchain/command/provider"
)

// How often the plugin looks whether the engine that started it still lives.
const parentPollInterval = time.Second

func main() {
	engine := os.Getppid()
	if len(os.Args) > 1 { // with an engine's address: started by an engine, not attached to by one
		go exitWithParent(engine)
	}
	if err := provider.New().Run(context.Background(), provider.Name, provider.Version); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-command: %v\n", err)
		os.Exit(1)
	}
}

// exitWithParent ends the process soon after its parent. The library's own check of the engine is
// minutes apart, and until then a killed engine's SSH sessions would stay open.
func exitWithParent(parent int) {
	for range time.Tick(parentPollInterval) {
		if os.Getppid() != parent {
			os.Exit(1)
		}
	}
}
