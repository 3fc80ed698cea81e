package local

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gobwas/glob"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// rule is one glob of assetPaths or archivePaths: it takes matching files in, or out again.
type rule struct {
	glob.Glob
	exclude bool
}

// collectFiles fills the assets and the archive of results from the files below dir.
func collectFiles(dir string, process Process, results *Results) error {
	if process.AssetPaths != nil {
		assets, err := matchingAssets(dir, *process.AssetPaths)
		if err != nil {
			return err
		}
		results.Assets = &assets
	}
	if process.ArchivePaths == nil {
		return nil
	}
	assets, err := matchingAssets(dir, *process.ArchivePaths)
	if err != nil {
		return err
	}
	entries := make(map[string]any, len(assets))
	for path, asset := range assets {
		entries[path] = asset
	}
	results.Archive, err = resource.NewAssetArchive(entries)
	return err
}

// matchingAssets returns the files below dir that the rules select, by path relative to dir. Rules apply
// in order, so an exclusion only takes out what an earlier rule took in.
func matchingAssets(dir string, globs []string) (map[string]*resource.Asset, error) {
	rules, err := compile(globs)
	if err != nil {
		return nil, err
	}
	assets := map[string]*resource.Asset{}
	err = fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !selected(path, rules) {
			return err
		}
		assets[path], err = resource.NewPathAsset(filepath.Join(dir, path))
		return err
	})
	return assets, err
}

func compile(globs []string) ([]rule, error) {
	rules := make([]rule, 0, len(globs))
	for _, text := range globs {
		pattern, exclude := strings.CutPrefix(text, "!")
		compiled, err := glob.Compile(pattern, '/')
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule{compiled, exclude})
	}
	return rules, nil
}

func selected(path string, rules []rule) bool {
	in := false
	for _, rule := range rules {
		if rule.Match(path) {
			in = !rule.exclude
		}
	}
	return in
}
