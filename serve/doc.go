// Package serve answers requests over HTTP by a model and a gallery: it embeds pictures, finds their neighbours, enrols
// and deletes, says whether two show the same, and shows all that in a page for a browser.
//
//	m, err := model.Load("runs/photos", model.Options{})
//	g, err := serve.OpenGallery("gallery.index", serve.GalleryOptions{Pictures: serve.PicturesPath("gallery.index")})
//	s, err := serve.New(m, g, serve.Options{Hosts: []string{"localhost", "127.0.0.1"}})
//	l, err := net.Listen("tcp", "127.0.0.1:8080")
//	err = s.Serve(ctx, l) // until ctx ends
//	err = g.Close()
//
// A Server is an http.Handler, too, for a program that has a server already. What it answers is described by the file that it
// serves as /openapi.json, and by examples in docs/serve.md.
//
// # Many requests
//
// Requests that come at the same time are embedded together, and each gets the bits that it would get alone. How much
// memory they take at the most is bounded: by the bytes of a body, the pixels of a picture, which are looked up
// before it is decoded, and the requests that are worked on; a request above these is answered by an error that says
// so.
//
// # Errors
//
// Errors are answered as application/problem+json (RFC 9457), with a sentence for people and a code for programs.
//
// # Who may ask
//
// Without Options.Token everybody who reaches the server may. Pages of other origins may not in any case, unless
// Options.Origins names them.
package serve
