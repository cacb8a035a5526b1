// A PostgreSQL with pgvector in this process, for tests: PGlite, which the folder of the argument has as an npm
// package. It listens on a port of its choice and says ready and the port. All connections share
// one session.
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'

const here = createRequire(process.argv[2] + '/')
const load = async name => import(pathToFileURL(here.resolve(name)))
const { PGlite } = await load('@electric-sql/pglite')
const { vector } = await load('@electric-sql/pglite-pgvector')
const { PGLiteSocketServer } = await load('@electric-sql/pglite-socket')

const host = '127.0.0.1'
const probe = createServer()
await new Promise(done => probe.listen(0, host, done))
const { port } = probe.address()
await new Promise(done => probe.close(done))

const db = await PGlite.create({ extensions: { vector } })
await new PGLiteSocketServer({ db, host, port, maxConnections: 20 }).start()
console.log('ready', port)
