"""The tables of the backend, as its ORM creates them: camelCase columns, uuid keys, no time zone."""

from __future__ import annotations

from typing import Final

_BASE: Final = """
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "createdAt" timestamp NOT NULL DEFAULT now(),
    "updatedAt" timestamp NOT NULL DEFAULT now(),
"""

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS users ({_BASE}
    email varchar(255) NOT NULL UNIQUE,
    password varchar(255) NOT NULL
);
CREATE TABLE IF NOT EXISTS projects ({_BASE}
    name varchar(255) NOT NULL,
    description text,
    "gitRepositoryURL" varchar(500),
    "gitAccessToken" varchar(500),
    "baseDockerImage" varchar(100) NOT NULL DEFAULT 'ubuntu:latest',
    "agentIds" text NOT NULL DEFAULT '',
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS agents ({_BASE}
    name varchar(255) NOT NULL,
    role varchar(500) NOT NULL,
    "personalityMatrix" jsonb NOT NULL,
    "llmConfig" jsonb NOT NULL,
    rating numeric(3,2) NOT NULL DEFAULT 0,
    experience int NOT NULL DEFAULT 0,
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS tasks ({_BASE}
    title varchar(255) NOT NULL,
    description text NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'PENDING',
    priority varchar(20) NOT NULL DEFAULT 'medium',
    "assigneeIds" text NOT NULL DEFAULT '',
    parameters jsonb,
    "dueDate" timestamp,
    "projectId" uuid NOT NULL REFERENCES projects ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS tasks_project ON tasks ("projectId");
CREATE INDEX IF NOT EXISTS projects_user ON projects ("userId");
CREATE INDEX IF NOT EXISTS agents_user ON agents ("userId");
"""
