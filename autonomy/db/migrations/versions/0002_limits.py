"""warnings of budgets, approvals by several people, reminders, absences, notices by several channels"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("deputy", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_absence_deputy"), "absence", ["deputy"], unique=False)
    op.create_index(op.f("ix_absence_person"), "absence", ["person"], unique=False)
    op.create_table(
        "budget_warning",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("warn", sa.BigInteger(), nullable=False),
        sa.Column("budget", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("announced_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account", "warn"),
    )
    op.create_index(
        "budget_warning_new",
        "budget_warning",
        ["at"],
        unique=False,
        sqlite_where=sa.text("announced_at IS NULL"),
        postgresql_where=sa.text("announced_at IS NULL"),
    )
    op.create_index(op.f("ix_budget_warning_budget"), "budget_warning", ["budget"], unique=False)
    op.add_column("account", sa.Column("warned", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("hold", sa.Column("reminders", sa.Text(), server_default="[]", nullable=False))
    op.add_column("hold", sa.Column("next_reminder_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "hold_reminder",
        "hold",
        ["next_reminder_at"],
        unique=False,
        sqlite_where=sa.text("next_reminder_at IS NOT NULL"),
        postgresql_where=sa.text("next_reminder_at IS NOT NULL"),
    )
    op.add_column("notice", sa.Column("channel", sa.Text(), server_default="webhook", nullable=False))
    op.add_column("notice", sa.Column("recipient", sa.Text(), server_default="", nullable=False))
    _votes_by_person()


def _votes_by_person() -> None:
    """One vote for each person instead of one for each role. The table is written anew: SQLite cannot change a key."""
    op.create_table(
        "vote_by_person",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("instead_of", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["action"], ["hold.action"]),
        sa.PrimaryKeyConstraint("action", "round", "person"),
        sa.UniqueConstraint("action", "round", "instead_of", name="vote_one_voice"),
    )
    columns = "action, round, person, role, verdict, shown, reason, at"
    op.execute(f"INSERT INTO vote_by_person ({columns}) SELECT {columns} FROM vote")
    op.drop_table("vote")
    op.rename_table("vote_by_person", "vote")


def downgrade() -> None:
    op.create_table(
        "vote_by_role",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["action"], ["hold.action"]),
        sa.PrimaryKeyConstraint("action", "round", "role"),
        sa.UniqueConstraint("action", "round", "person", name="vote_four_eyes"),
    )
    columns = "action, round, role, person, verdict, shown, reason, at"
    op.execute(f"INSERT INTO vote_by_role ({columns}) SELECT {columns} FROM vote")
    op.drop_table("vote")
    op.rename_table("vote_by_role", "vote")
    op.drop_column("notice", "recipient")
    op.drop_column("notice", "channel")
    op.drop_index("hold_reminder", table_name="hold")
    op.drop_column("hold", "next_reminder_at")
    op.drop_column("hold", "reminders")
    op.drop_column("account", "warned")
    op.drop_table("budget_warning")
    op.drop_table("absence")
