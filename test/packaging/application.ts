import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodePackage } from '../support/node-versions.ts'

/** The errors of npm that mean that the registry cannot be reached. */
export const NO_REGISTRY = /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTCACHED|ENETUNREACH/

/** A separate project that contains only the packages that are installed in it. */
export class Application {
  readonly folder: string

  /** Makes a project with these packages. Throws `NoRegistry` if the registry cannot be reached. */
  static install(folder: string, packages: readonly string[]): Application {
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'application', private: true, type: 'module' }),
    )
    install(folder, ['--ignore-scripts', ...packages])
    return new Application(folder)
  }

  /** Installs a version of Node from the package for this platform; returns the path of the program. */
  static installNode(folder: string, version: string): string {
    mkdirSync(folder, { recursive: true })
    const project = { name: 'another-node', private: true }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(project))
    install(folder, ['--ignore-scripts', `${nodePackage()}@${version}`])
    return join(folder, 'node_modules', '.bin', 'node')
  }

  private constructor(folder: string) {
    this.folder = folder
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, 'node_modules', name))
  }

  write(name: string, content: string): string {
    writeFileSync(join(this.folder, name), content)
    return join(this.folder, name)
  }

  /** The standard output of a Node program. Throws an error with its output if the program fails. */
  node(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
    node: string = process.execPath,
  ): string {
    return execFileSync(node, args, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    })
  }

  /** The last line that a program prints. The host may print other lines before it. */
  lastLine(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
    node: string = process.execPath,
  ): string | undefined {
    return this.node(args, environment, node).trim().split('\n').at(-1)
  }

  /** Starts a Node program and waits until its output matches `ready`. Throws if the program ends before that. */
  async start(
    args: readonly string[],
    environment: NodeJS.ProcessEnv,
    ready: RegExp,
  ): Promise<{ said(): string; stop(): Promise<void> }> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
    let text = ''
    const ended = once(child, 'exit')
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          if (ready.test(text)) resolve()
        })
      child.once('exit', () => reject(new Error(text)))
    })
    return {
      said: () => text,
      async stop() {
        child.kill('SIGTERM')
        await ended
      },
    }
  }

  /** The last line that a program of plain JavaScript prints. */
  evaluate(program: string): string | undefined {
    return this.lastLine(['--input-type=module', '--eval', program])
  }
}

export class NoRegistry extends Error {}

function install(folder: string, args: readonly string[]): void {
  try {
    execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    if (NO_REGISTRY.test(stderr)) throw new NoRegistry()
    throw new Error(stderr, { cause: error })
  }
}
