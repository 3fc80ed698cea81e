// Package sshtest is an SSH server on loopback for tests: it runs commands with /bin/sh, serves SFTP and
// forwards connections, and counts what clients do.
package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Server is a running server. The exported fields are settings, to be made before the first connection.
type Server struct {
	HostKey   string            // as in authorized_keys
	AcceptEnv []string          // the variables sessions may set
	Refuse    int32             // how many connections to cut before the login
	Users     map[string]string // passwords by user; none: anybody may log in
	Keyboard  bool              // take passwords by keyboard-interactive only
	ClientKey ssh.PublicKey     // if set, only its holder may log in

	connections atomic.Int32
	open        atomic.Int32
	listener    net.Listener
	signer      ssh.Signer
}

// Start returns a server that listens on a free port of 127.0.0.1 until the test ends.
func Start(t testing.TB, configure func(*Server)) *Server {
	t.Helper()
	signer, _ := NewKey(t, "")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &Server{
		HostKey:  strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))),
		listener: listener,
		signer:   signer,
	}
	if configure != nil {
		configure(server)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go server.accept()
	return server
}

// NewKey returns a new key and its private half in OpenSSH's format, encrypted if there is a passphrase.
func NewKey(t testing.TB, passphrase string) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// Host returns the server's address.
func (s *Server) Host() string { return "127.0.0.1" }

// Port returns the server's port.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Connections returns how many TCP connections clients have made.
func (s *Server) Connections() int { return int(s.connections.Load()) }

// Wait returns when every connection has ended, and fails the test if one has not after 5 s.
func (s *Server) Wait(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); s.open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections to %s:%d are still open after 5 s", s.open.Load(), s.Host(), s.Port())
		}
	}
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if s.connections.Add(1) <= s.Refuse {
			_ = conn.Close()
			continue
		}
		s.open.Add(1)
		go func() {
			defer s.open.Add(-1)
			s.serve(conn)
		}()
	}
}

var errDenied = errors.New("denied")

func (s *Server) config() *ssh.ServerConfig {
	password := func(meta ssh.ConnMetadata, given string) (*ssh.Permissions, error) {
		if expected, known := s.Users[meta.User()]; !known || given != expected {
			return nil, errDenied
		}
		return nil, nil
	}
	config := &ssh.ServerConfig{NoClientAuth: s.Users == nil && s.ClientKey == nil}
	switch {
	case s.ClientKey != nil:
		config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !slices.Equal(key.Marshal(), s.ClientKey.Marshal()) {
				return nil, errDenied
			}
			return nil, nil
		}
	case s.Keyboard:
		config.KeyboardInteractiveCallback = func(
			meta ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge,
		) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 {
				return nil, errDenied
			}
			return password(meta, answers[0])
		}
	case s.Users != nil:
		config.PasswordCallback = func(meta ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			return password(meta, string(given))
		}
	}
	config.AddHostKey(s.signer)
	return config
}

func (s *Server) serve(raw net.Conn) {
	conn, channels, requests, err := ssh.NewServerConn(raw, s.config())
	if err != nil {
		_ = raw.Close()
		return
	}
	defer func() { _ = conn.Close() }()
	go ssh.DiscardRequests(requests)
	var sessions sync.WaitGroup
	for channel := range channels {
		sessions.Go(func() { s.handle(channel) })
	}
	sessions.Wait()
}

// ParseKey returns the key in a private half made by NewKey without a passphrase.
func ParseKey(t testing.TB, private string) any {
	t.Helper()
	key, err := ssh.ParseRawPrivateKey([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
