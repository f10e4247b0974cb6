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
    const bytes = copied(() => backUpStorage(storage, file), file)
    if (bytes === undefined)
      throw new Refusal(
        'backup',
        'MongoDB is backed up with its own tools: docs/guides/mongodb-in-production.md.',
      )
    return { json: { file, bytes }, text: `${file} is a copy of the database: ${bytes} bytes.\n` }
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
