package remote

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh/agent"

	"kube-apiserver-havip/toolchain/command/sshtest"
)

func pointer[T any](value T) *T { return &value }

func endpoint(server *sshtest.Server) Endpoint {
	return Endpoint{
		Host: pointer(server.Host()), Port: pointer(float64(server.Port())), DialErrorLimit: pointer(0),
	}
}

func dial(t *testing.T, connection Connection) error {
	t.Helper()
	client, err := connection.dial(t.Context())
	if err == nil {
		require.NoError(t, client.Close())
	}
	return err
}

func TestRetries(t *testing.T) {
	for limit, attempts := range map[int]int{0: 1, 3: 4, 10: 11} {
		synctest.Test(t, func(t *testing.T) {
			made := 0
			_, err := retrying(t.Context(), "Dial", limit, func() (int, error) {
				made++
				return 0, errors.New("no answer")
			})
			assert.Equal(t, attempts, made)
			assert.ErrorContains(t, err, "failed attempts: no answer")
		})
	}
}

func TestRetriesBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, made := time.Now(), []time.Duration{}
		value, err := retrying(t.Context(), "Dial", -1, func() (string, error) {
			made = append(made, time.Since(start).Round(time.Millisecond))
			if len(made) < 4 {
				return "", errors.New("no answer")
			}
			return "connected", nil
		})
		require.NoError(t, err)
		assert.Equal(t, "connected", value)
		expected := []time.Duration{0, 100 * time.Millisecond, 250 * time.Millisecond, 475 * time.Millisecond}
		assert.Equal(t, expected, made)
	})
}

func TestRetriesEndWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := retrying(ctx, "Dial", -1, func() (int, error) { return 0, errors.New("no answer") })
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestDialSucceedsAtTheLimit(t *testing.T) {
	server := sshtest.Start(t, func(s *sshtest.Server) { s.Refuse = 2 })
	connection := Connection{Endpoint: endpoint(server)}
	connection.DialErrorLimit = pointer(2)
	require.NoError(t, dial(t, connection))
	assert.Equal(t, 3, server.Connections())
}

func TestHostKey(t *testing.T) {
	server := sshtest.Start(t, nil)
	connection := Connection{Endpoint: endpoint(server)}
	require.NoError(t, dial(t, connection), "any key without one given")
	connection.HostKey = pointer(server.HostKey + " a comment")
	require.NoError(t, dial(t, connection))
	connection.HostKey = pointer(sshtest.Start(t, nil).HostKey)
	assert.ErrorContains(t, dial(t, connection), "host key mismatch")
	connection.HostKey = pointer("nonsense")
	assert.ErrorContains(t, dial(t, connection), "failed to parse host key")
}

func TestPassword(t *testing.T) {
	for _, keyboard := range []bool{false, true} {
		server := sshtest.Start(t, func(s *sshtest.Server) {
			s.Users = map[string]string{"admin": "right"}
			s.Keyboard = keyboard
		})
		connection := Connection{Endpoint: endpoint(server)}
		connection.User = pointer("admin")
		connection.Password = pointer("right")
		require.NoError(t, dial(t, connection))
		connection.Password = pointer("wrong")
		assert.ErrorContains(t, dial(t, connection), "unable to authenticate")
	}
}

func TestPrivateKey(t *testing.T) {
	signer, private := sshtest.NewKey(t, "passphrase")
	server := sshtest.Start(t, func(s *sshtest.Server) { s.ClientKey = signer.PublicKey() })
	connection := Connection{Endpoint: endpoint(server)}
	connection.PrivateKey = &private
	assert.ErrorContains(t, dial(t, connection), "passphrase")
	connection.PrivateKeyPassword = pointer("passphrase")
	require.NoError(t, dial(t, connection))
	_, other := sshtest.NewKey(t, "")
	connection.PrivateKey, connection.PrivateKeyPassword = &other, nil
	assert.ErrorContains(t, dial(t, connection), "unable to authenticate")
}

func TestAgent(t *testing.T) {
	signer, private := sshtest.NewKey(t, "")
	socket := serveAgent(t, private)
	server := sshtest.Start(t, func(s *sshtest.Server) { s.ClientKey = signer.PublicKey() })
	connection := Connection{Endpoint: endpoint(server)}
	connection.AgentSocketPath = &socket
	require.NoError(t, dial(t, connection))
	connection.AgentSocketPath = nil
	t.Setenv(agentSocketVariable, socket)
	require.NoError(t, dial(t, connection))
	connection.AgentSocketPath = pointer(socket + ".missing")
	assert.ErrorContains(t, dial(t, connection), "no such file")
}

func serveAgent(t *testing.T, private string) string {
	t.Helper()
	keyring := agent.NewKeyring()
	require.NoError(t, keyring.Add(agent.AddedKey{PrivateKey: sshtest.ParseKey(t, private)}))
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keyring, conn) }()
		}
	}()
	return socket
}

func TestProxy(t *testing.T) {
	target, proxy := sshtest.Start(t, nil), sshtest.Start(t, nil)
	connection := Connection{Endpoint: endpoint(target), Proxy: &ProxyConnection{endpoint(proxy)}}
	connection.HostKey, connection.Proxy.HostKey = &target.HostKey, &proxy.HostKey
	require.NoError(t, dial(t, connection))
	assert.Equal(t, 1, proxy.Connections())
	assert.Equal(t, 1, target.Connections())
	target.Wait(t)
	proxy.Wait(t) // the proxy's connection ends with the target's

	connection.Proxy.HostKey = &target.HostKey
	assert.ErrorContains(t, dial(t, connection), "proxy: after 0 failed attempts: ssh: handshake failed")
}

func TestProxyDialLimitsAreApart(t *testing.T) {
	target := sshtest.Start(t, func(s *sshtest.Server) { s.Refuse = 2 })
	proxy := sshtest.Start(t, func(s *sshtest.Server) { s.Refuse = 1 })
	connection := Connection{Endpoint: endpoint(target), Proxy: &ProxyConnection{endpoint(proxy)}}
	connection.DialErrorLimit, connection.Proxy.DialErrorLimit = pointer(2), pointer(1)
	require.NoError(t, dial(t, connection))
	assert.Equal(t, 2, proxy.Connections())
	assert.Equal(t, 3, target.Connections())
}
