// A PostgreSQL with pgvector in this process, for tests: PGlite, which the folder of the first argument has as an npm
// package. It listens on the port of the second argument and says ready. All connections share
// one session.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [folder, port] = process.argv.slice(2)
const here = createRequire(folder + '/')
const load = async name => import(pathToFileURL(here.resolve(name)))
const { PGlite } = await load('@electric-sql/pglite')
const { vector } = await load('@electric-sql/pglite-pgvector')
const { PGLiteSocketServer } = await load('@electric-sql/pglite-socket')

const db = await PGlite.create({ extensions: { vector } })
await new PGLiteSocketServer({ db, port: Number(port), host: '127.0.0.1', maxConnections: 20 }).start()
console.log('ready')
