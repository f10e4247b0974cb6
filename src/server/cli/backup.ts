import type { Command } from 'commander'
import { DEMONSTRATION_FOLDER, loadConfig } from '../../../config/load.ts'
import { backUpStorage } from '../boot/storage.ts'
import { answer, command, Refusal, type Terminal } from './terminal.ts'

/** `backup`: one consistent file of the embedded database, while the server runs. */
export function addBackupCommand(program: Command, terminal: Terminal): void {
  const made = command(program, 'backup', 'copy the database to a new file, while the server runs')
  made.argument('<file>', 'the file to make')
  answer(terminal, made, async ([file = '']) => {
    const { storage } = loadConfig(terminal.environment, DEMONSTRATION_FOLDER, ['STORAGE_URL'])
    const backup = copied(() => backUpStorage(storage, file), file)
    if (backup === undefined)
      throw new Refusal(
        'backup',
        'MongoDB is backed up with its own tools: docs/guides/mongodb-in-production.md.',
      )
    const { bytes, drafts } = backup
    const left = drafts.map(
      (draft) =>
        `${draft} is left of a backup that was killed: remove it, unless one still runs.\n`,
    )
    return {
      json: { file, bytes, drafts },
      text: [`${file} is a copy of the database: ${bytes} bytes.\n`, ...left].join(''),
    }
  })
}

function copied<T>(copy: () => T, file: string): T {
  try {
    return copy()
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === 'EEXIST')
      throw new Refusal('backup', `${file} exists already: a backup never replaces a file.`)
    if (syscall === undefined) throw error
    throw new Refusal('backup', `${file} cannot be made: ${code}`)
  }
}
