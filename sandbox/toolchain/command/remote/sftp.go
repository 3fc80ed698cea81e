package remote

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
)

// copyPath copies a local file or directory, as cp does:
//
//	source | destination: a directory | missing   | a file
//	-------|--------------------------|-----------|------------
//	file   | dest/file                | dest      | overwritten
//	dir    | dest/dir                 | dest/dir  | error
//	dir/   | its entries into dest    | same      | error
//
// Missing parent directories of the destination are made.
func copyPath(client *sftp.Client, source, dest string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyInto(client, source, dest)
	}
	if !strings.HasSuffix(source, "/") {
		if err := makeDirectory(client, dest); err != nil {
			return err
		}
		dest = path.Join(dest, filepath.Base(source))
	}
	return copyDirectory(client, source, dest)
}

// copyInto copies a file to dest, or below it if dest is a directory.
func copyInto(client *sftp.Client, source, dest string) error {
	info, err := stat(client, dest)
	if err != nil {
		return err
	}
	if info != nil && info.IsDir() {
		dest = path.Join(dest, filepath.Base(source))
	}
	if info == nil {
		if err := makeDirectory(client, path.Dir(dest)); err != nil {
			return err
		}
	}
	return copyFile(client, source, dest)
}

func copyDirectory(client *sftp.Client, source, dest string) error {
	return fs.WalkDir(os.DirFS(source), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return makeDirectory(client, path.Join(dest, name))
		}
		return copyFile(client, filepath.Join(source, name), path.Join(dest, name))
	})
}

func copyFile(client *sftp.Client, source, dest string) error {
	local, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = local.Close() }()
	return write(client, local, dest)
}

// copyText writes a text to a file; a directory is refused, for a text has no name of its own.
func copyText(client *sftp.Client, text, dest string) error {
	info, err := stat(client, dest)
	if err != nil {
		return err
	}
	if info != nil && info.IsDir() {
		return fmt.Errorf("remote path %s is a directory; a text asset needs the path of a file", dest)
	}
	if info == nil {
		if err := makeDirectory(client, path.Dir(dest)); err != nil {
			return err
		}
	}
	return write(client, strings.NewReader(text), dest)
}

func write(client *sftp.Client, content io.Reader, dest string) (err error) {
	file, err := client.Create(dest)
	if err != nil {
		return fmt.Errorf("failed to create remote file %s: %w", dest, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.ReadFrom(content); err != nil {
		return fmt.Errorf("failed to write remote file %s: %w", dest, err)
	}
	return nil
}

// makeDirectory makes a directory and its parents, unless it is there.
func makeDirectory(client *sftp.Client, dir string) error {
	info, err := stat(client, dir)
	if err != nil {
		return err
	}
	if info != nil && !info.IsDir() {
		return fmt.Errorf("remote path %s exists but is not a directory", dir)
	}
	if info != nil {
		return nil
	}
	if err := client.MkdirAll(dir); err != nil {
		return fmt.Errorf("failed to create remote directory %s: %w", dir, err)
	}
	return nil
}

// stat returns nil for a path that does not exist.
func stat(client *sftp.Client, name string) (fs.FileInfo, error) {
	info, err := client.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to stat remote path %s: %w", name, err)
	}
	return info, nil
}
