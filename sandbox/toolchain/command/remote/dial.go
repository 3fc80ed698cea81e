package remote

import (
	"context"
	"fmt"
	"net"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/retry"
	"golang.org/x/crypto/ssh"
)

// dial connects and logs in, retrying as often as the connection allows. The caller closes the client.
// A cancelled ctx ends the attempts.
func (c *Connection) dial(ctx context.Context) (*ssh.Client, error) {
	config, closeAgent, err := c.clientConfig()
	if err != nil {
		return nil, err
	}
	defer closeAgent()
	if c.Proxy == nil {
		return retrying(ctx, "Dial", c.dialErrorLimit(), func() (*ssh.Client, error) {
			return dialDirect(ctx, c.address(), config)
		})
	}
	client, err := c.dialThroughProxy(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return client, nil
}

func (c *Connection) dialThroughProxy(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, error) {
	proxyConfig, closeAgent, err := c.Proxy.clientConfig()
	if err != nil {
		return nil, err
	}
	defer closeAgent()
	proxy, err := retrying(ctx, "Dial proxy", c.Proxy.dialErrorLimit(), func() (*ssh.Client, error) {
		return dialDirect(ctx, c.Proxy.address(), proxyConfig)
	})
	if err != nil {
		return nil, err
	}
	client, err := c.dialFromProxy(ctx, proxy, config)
	if err != nil {
		_ = proxy.Close()
		return nil, err
	}
	// The client's end is noticed here, so that whoever closes the client closes the proxy with it.
	go func() {
		_ = client.Wait()
		_ = proxy.Close()
	}()
	return client, nil
}

// dialFromProxy counts failures to connect and failures to log in apart: each may reach the limit.
func (c *Connection) dialFromProxy(
	ctx context.Context, proxy *ssh.Client, config *ssh.ClientConfig,
) (*ssh.Client, error) {
	connect := func() (net.Conn, error) { return proxy.DialContext(ctx, "tcp", c.address()) }
	conn, err := retrying(ctx, "Dial from proxy", c.dialErrorLimit(), connect)
	if err != nil {
		return nil, err
	}
	return retrying(ctx, "Dial", c.dialErrorLimit(), func() (*ssh.Client, error) {
		if conn == nil { // a failed login has used the connection up
			if conn, err = connect(); err != nil {
				return nil, err
			}
		}
		used := conn
		conn = nil
		return handshake(ctx, used, c.address(), config)
	})
}

// dialDirect is ssh.Dial with a context; config.Timeout limits the TCP connection, not the login.
func dialDirect(ctx context.Context, address string, config *ssh.ClientConfig) (*ssh.Client, error) {
	dialer := net.Dialer{Timeout: config.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return handshake(ctx, conn, address, config)
}

func handshake(
	ctx context.Context, conn net.Conn, address string, config *ssh.ClientConfig,
) (*ssh.Client, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	sshConn, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ssh.NewClient(sshConn, channels, requests), nil
}

// retrying calls attempt until it succeeds or has failed more than limit times (-1: without end), with
// the library's back-off between attempts: 0.1 s, growing by half each time up to 5 s.
func retrying[T any](ctx context.Context, what string, limit int, attempt func() (T, error)) (T, error) {
	var value T
	done, _, err := retry.Until(ctx, retry.Acceptor{Accept: func(failed int, _ time.Duration) (bool, any, error) {
		var err error
		if value, err = attempt(); err == nil {
			return true, nil, nil
		}
		if limit >= 0 && failed >= limit {
			return false, nil, fmt.Errorf("after %d failed attempts: %w", failed, err)
		}
		if ctx.Err() == nil {
			p.GetLogger(ctx).InfoStatusf("%s %d/%s failed: retrying", what, failed+1, limitText(limit))
		}
		return false, nil, nil
	}})
	if err == nil && !done { // the context ended the wait between two attempts
		err = ctx.Err()
	}
	return value, err
}

func limitText(limit int) string {
	if limit < 0 {
		return "inf"
	}
	return fmt.Sprint(limit)
}
