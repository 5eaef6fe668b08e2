import { openLmdb } from '#jdbx/storage/lmdb/engine.js';
import { openMemory } from '#jdbx/storage/memory/engine.js';
import { engineSuite } from '../suites/engine.js';
import { temporaryStore } from './temporary.js';

engineSuite('the memory', async () => openMemory());
engineSuite('the LMDB', () => openLmdb(temporaryStore()));
