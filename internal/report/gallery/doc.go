// Package gallery writes pictures in groups as one HTML page that needs nothing beside it: what was found for a query,
// copies, clusters. Thumbnails are part of the page, which looks like the report of a run, in light and dark, and on a
// phone. There is no script in it.
package gallery
