import { openJournaled } from '#jdbx/storage/journal/engine.js';
import { openLmdb } from '#jdbx/storage/lmdb/engine.js';
import { openMemory } from '#jdbx/storage/memory/engine.js';
import { openEmbedded } from '#jdbx/storage/open-embedded.js';
import { engineSuite } from '../suites/engine.js';
import { temporaryFolder, temporaryStore } from './temporary.js';

engineSuite('the memory', async () => openMemory());
engineSuite('the LMDB', () => openLmdb(temporaryStore()));
engineSuite('the embedded', () => openEmbedded(temporaryStore()));
engineSuite('the embedded, hasty', () => openEmbedded(temporaryStore(), { layerMaxBytes: 1 }));
engineSuite('the journaled memory', async () => openJournaled(openMemory(), temporaryFolder()));
