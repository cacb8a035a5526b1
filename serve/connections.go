package serve

import (
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// connectionLimit is a listener that has at most so many connections open. The next one is told so, in HTTP, and closed.
type connectionLimit struct {
	net.Listener
	most    int64
	open    atomic.Int64
	telling chan struct{} // one for each connection that is told
	refused func()
}

// mostTelling bounds how many connections are told at the same time that they are one too many: others are closed
// without a word.
const mostTelling = 64

func limit(l net.Listener, most int, refused func()) *connectionLimit {
	return &connectionLimit{Listener: l, most: int64(most), telling: make(chan struct{}, mostTelling), refused: refused}
}

// Accept is the next connection that is not one too many.
func (l *connectionLimit) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.most {
			return &openConnection{Conn: c, done: func() { l.open.Add(-1) }}, nil
		}
		l.open.Add(-1)
		l.refused()
		select {
		case l.telling <- struct{}{}:
			go func() {
				l.tell(c)
				<-l.telling
			}()
		default:
			c.Close()
		}
	}
}

// full is what a connection is told that is one too many.
var full = func() string {
	const body = `{"title":"Service Unavailable","status":503,"code":"busy","detail":"the server has as many connections as it takes: come again in a second"}` + "\n"
	return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body
}()

// tell refuses a connection, when its request comes: a client takes no answer before. What else comes is read, too: to close
// with that unread would take the answer away.
func (l *connectionLimit) tell(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Read(make([]byte, 1<<12)); err != nil {
		return
	}
	if _, err := io.WriteString(c, full); err != nil {
		return
	}
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		io.CopyN(io.Discard, c, 1<<16)
	}
}

// openConnection is a connection that is counted until it is closed.
type openConnection struct {
	net.Conn
	once sync.Once
	done func()
}

// Close may be called twice.
func (c *openConnection) Close() error {
	c.once.Do(c.done)
	return c.Conn.Close()
}
